package solana

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/trinebridge/trine/codec"
)

//go:embed artifact/trine_bridge.so
var built []byte

//go:embed artifact/trine_bridge_v0.so
var builtV0 []byte

// Code returns the built program: for clusters, whose loader takes SBPF version 3.
func Code() []byte { return slices.Clone(built) }

// CodeV0 returns the same program as SBPF version 0, for runtimes that take no other.
func CodeV0() []byte { return slices.Clone(builtV0) }

// programDataHeader is what stands before the code in a ProgramData account: the loader's tag 4, the slot of
// the deployment 8, whether there is an authority 1, the authority 32.
const programDataHeader = 45

// ErrUpgradable is a program whose code somebody may still change.
var ErrUpgradable = errors.New("the program can still be upgraded")

// CodeHash returns the hash of a program's code from its ProgramData account: the code without the zeros that
// the loader keeps behind it. Each build of this release has [ExpectedCodeHash]. It fails with [ErrUpgradable]
// while the program has an upgrade authority.
func CodeHash(programData []byte) (codec.Hash, error) {
	if len(programData) < programDataHeader || binary.LittleEndian.Uint32(programData) != 3 {
		return codec.Hash{}, errors.New("the program's code is not where the upgradeable loader keeps it")
	}
	switch programData[12] {
	case 0:
	case 1:
		return codec.Hash{}, fmt.Errorf("%w by %s; a bridge has no upgrade authority", ErrUpgradable, Key(programData[13:programDataHeader]))
	default:
		return codec.Hash{}, fmt.Errorf("a program's upgrade authority is marked %d, want 0 or 1", programData[12])
	}
	code := trimmed(programData[programDataHeader:])
	if bytes.Equal(code, trimmed(built)) || bytes.Equal(code, trimmed(builtV0)) {
		return expected, nil
	}
	return codec.Keccak(code), nil
}

// CodeSlot returns the slot in which a program's code was last put into its ProgramData account, which CodeHash has taken.
func CodeSlot(programData []byte) uint64 { return binary.LittleEndian.Uint64(programData[4:]) }

// ExpectedCodeHash returns the CodeHash of every bridge of this version: that of its builds' hashes as words.
func ExpectedCodeHash() codec.Hash { return expected }

var expected = codec.HashWords(codec.Keccak(trimmed(built)), codec.Keccak(trimmed(builtV0)))

func trimmed(code []byte) []byte { return bytes.TrimRight(code, "\x00") }
