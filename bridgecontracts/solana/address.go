package solana

import (
	"bytes"
	"encoding/binary"
	"fmt"

	sol "github.com/gagliardetto/solana-go"

	"github.com/trinebridge/trine/codec"
)

// Key is an account's address.
type Key = sol.PublicKey

// Programs that the bridge works with.
var (
	SystemProgram          = sol.SystemProgramID
	TokenProgram           = sol.TokenProgramID
	Token2022Program       = sol.Token2022ProgramID
	AssociatedTokenProgram = sol.SPLAssociatedTokenAccountProgramID
	LoaderProgram          = sol.BPFLoaderUpgradeableProgramID
)

// Native is SOL's word: the native mint's address.
var Native = codec.Hash(sol.SolMint)

// EventsPerPage is how many events share one page.
const EventsPerPage = 256

// Program names the accounts of one bridge.
type Program struct {
	// ID is the program, State the bridge itself: its word in the domain.
	ID    Key
	State Key
}

// NewProgram derives the bridge of a program.
func NewProgram(id Key) (Program, error) {
	state, _, err := derive(id, []byte("bridge"))
	return Program{ID: id, State: state}, err
}

// derive returns a program derived address at its canonical bump.
func derive(program Key, seeds ...[]byte) (Key, uint8, error) {
	key, bump, err := sol.FindProgramAddress(seeds, program)
	if err != nil {
		return Key{}, 0, fmt.Errorf("derive an address of program %s: %w", program, err)
	}
	return key, bump, nil
}

// TokenConfig returns the account that holds what the bridge knows of a mint.
func (p Program) TokenConfig(mint Key) (Key, error) {
	key, _, err := derive(p.ID, []byte("token"), mint[:])
	return key, err
}

// Claim returns the account that holds what failed transfers owe to a recipient.
func (p Program) Claim(token, recipient Key) (Key, error) {
	key, _, err := derive(p.ID, []byte("claim"), token[:], recipient[:])
	return key, err
}

// Buffer returns the account in which a poster collects what belongs to a digest, and its bump.
func (p Program) Buffer(poster Key, digest codec.Hash) (Key, uint8, error) {
	return derive(p.ID, []byte("buffer"), poster[:], digest[:])
}

// Page returns the account whose signature the record of an event carries.
func (p Program) Page(event uint64) (Key, error) {
	if event == 0 {
		return Key{}, fmt.Errorf("event ids start at 1")
	}
	var number [8]byte
	binary.LittleEndian.PutUint64(number[:], (event-1)/EventsPerPage)
	key, _, err := derive(p.ID, []byte("events"), number[:])
	return key, err
}

// EndlessPage returns the page that may be named in place of that of the next event, for any event.
func (p Program) EndlessPage() (Key, error) {
	key, _, err := derive(p.ID, []byte("events"), bytes.Repeat([]byte{0xff}, 8))
	return key, err
}

// ProgramData returns the account in which the loader keeps a program's code.
func ProgramData(program Key) (Key, error) {
	key, _, err := derive(LoaderProgram, program[:])
	return key, err
}

// TokenAccount returns the associated token account of an owner for a mint, and its bump.
func TokenAccount(owner, tokenProgram, mint Key) (Key, uint8, error) {
	return derive(AssociatedTokenProgram, owner[:], tokenProgram[:], mint[:])
}

// MustKey reads a constant address; it panics for a text that is none.
func MustKey(text string) Key { return sol.MustPublicKeyFromBase58(text) }
