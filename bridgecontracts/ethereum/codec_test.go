package ethereum_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/bridgecontracts/ethereum/internal/testchain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// data joins words.
func data(words ...codec.Hash) (out []byte) {
	for _, w := range words {
		out = append(out, w[:]...)
	}
	return out
}

func number(n uint64) codec.Hash { return codec.Uint64Word(n) }

func logOf(kind bridgecontracts.EventKind, id codec.Hash, data []byte) *types.Log {
	return &types.Log{Topics: []common.Hash{ethereum.EventTopics()[kind-1], common.Hash(id)}, Data: data}
}

// TestDecodeEventRefuses feeds logs that the contract never emits.
func TestDecodeEventRefuses(t *testing.T) {
	wallet, token := word("wallet"), word("token")
	dirty := codec.Keccak([]byte("not an address"))
	deposit := func(offset, length uint64, tail []byte) []byte {
		return append(data(wallet, token, number(5), number(offset), number(length)), tail...)
	}
	oneKey := make([]byte, 128)
	padded := make([]byte, 128)
	padded[127] = 1
	for name, c := range map[string]struct {
		log  *types.Log
		want string
	}{
		"no topics":             {&types.Log{}, "topics"},
		"an unknown topic":      {&types.Log{Topics: []common.Hash{{1}, {}}}, "no bridge event"},
		"three topics":          {&types.Log{Topics: []common.Hash{ethereum.EventTopics()[0], {}, {}}}, "topics"},
		"an id above 64 bits":   {logOf(bridgecontracts.KindPaused, dirty, data(number(1))), "64-bit"},
		"no data":               {logOf(bridgecontracts.KindPaused, number(1), nil), "too early"},
		"half a word":           {logOf(bridgecontracts.KindPaused, number(1), make([]byte, 16)), "too early"},
		"a word too many":       {logOf(bridgecontracts.KindPaused, number(1), data(number(1), number(2))), "too many"},
		"a sequence too large":  {logOf(bridgecontracts.KindPaused, number(1), data(dirty)), "64-bit"},
		"a dirty recipient":     {logOf(bridgecontracts.KindClaimed, number(1), data(token, dirty, number(1))), "no address"},
		"keys elsewhere":        {logOf(bridgecontracts.KindDeposited, number(1), deposit(160, 0, nil)), "keys at 160"},
		"keys of odd size":      {logOf(bridgecontracts.KindDeposited, number(1), deposit(128, 97, oneKey)), "97 bytes"},
		"too many keys":         {logOf(bridgecontracts.KindDeposited, number(1), deposit(128, 5*98, make([]byte, 512))), "490 bytes"},
		"keys of absurd length": {logOf(bridgecontracts.KindDeposited, number(1), deposit(128, 98<<56, nil)), "keys at"},
		"keys cut short":        {logOf(bridgecontracts.KindDeposited, number(1), deposit(128, 98, oneKey[:98])), "98 bytes of keys"},
		"keys padded badly":     {logOf(bridgecontracts.KindDeposited, number(1), deposit(128, 98, padded)), "padded"},
		"something behind keys": {logOf(bridgecontracts.KindDeposited, number(1), deposit(128, 98, append(oneKey, 0))), "too many"},
	} {
		t.Run(name, func(t *testing.T) {
			event, err := ethereum.DecodeEvent(c.log)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %+v, %v; want an error about %q", event, err, c.want)
			}
		})
	}
}

// FuzzDecodeEvent holds that any log is an error or an event whose own bytes it was.
func FuzzDecodeEvent(f *testing.F) {
	for kind := range byte(8) {
		f.Add(kind, uint64(1), data(number(1), number(2), number(3)))
		f.Add(kind, uint64(9), append(data(word("a"), word("b"), number(7), number(128), number(98)), make([]byte, 128)...))
	}
	topics := append(ethereum.EventTopics(), common.Hash{1})
	f.Fuzz(func(t *testing.T, kind byte, id uint64, data []byte) {
		event, err := ethereum.DecodeEvent(&types.Log{Topics: []common.Hash{topics[int(kind)%len(topics)], ethereum.EventIDTopic(id)}, Data: data})
		if err != nil {
			return
		}
		if event.ID != id || int(event.Body.Kind()) != int(kind)%len(topics)+1 {
			t.Fatalf("event %d of kind %d, want %d of %d", event.ID, event.Body.Kind(), id, int(kind)%len(topics)+1)
		}
		if encoded := codec.Marshal(&event); len(encoded) > len(data)+64 {
			t.Fatalf("%d bytes of data became %d", len(data), len(encoded))
		}
	})
}

// FuzzUnpack holds that whatever a view, a revert or an account returns is an error or a value, never a panic.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 11*32))
	f.Add(make([]byte, 96))
	f.Add(ethereum.RuntimeCode())
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := ethereum.UnpackSnapshot(data); err == nil && s.Paused != (data[len(data)-1] == 1) {
			t.Fatalf("snapshot %+v", s)
		}
		_, _ = ethereum.UnpackLimit(data)
		_, _ = ethereum.UnpackClaimable(data)
		_, _ = ethereum.CodeHash(data)
		if r := ethereum.DecodeRevert(data); r.Name == "" || len(r.Error()) > 4000 {
			t.Fatalf("revert %+v", r)
		}
	})
}

func TestUnpackSaysWhatIsThere(t *testing.T) {
	if _, err := ethereum.UnpackSnapshot(nil); err == nil || !strings.Contains(err.Error(), "no contract") {
		t.Errorf("nothing returned: %v", err)
	}
	if _, err := ethereum.UnpackSnapshot(make([]byte, 32)); err == nil || !strings.Contains(err.Error(), "no bridge of this version") {
		t.Errorf("a word returned: %v", err)
	}
}

func TestDecodeRevert(t *testing.T) {
	selector := func(signature string) []byte {
		hash := codec.Keccak([]byte(signature))
		return hash[:4]
	}
	reason := append(selector("Error(string)"), data(number(32), number(2), codec.Hash{'n', 'o'})...)
	long := append(selector("Error(string)"), data(number(32), number(1<<17))...)
	long = append(append(long, "\x1b[2J"...), bytes.Repeat([]byte("a"), 1<<17-4)...)
	for _, c := range []struct {
		data []byte
		want string
	}{
		{append(selector("WrongActionId(uint64,uint64)"), data(number(4), number(3))...), "the bridge refused: WrongActionId(expected: 4, given: 3)"},
		{selector("ZeroValue()"), "the bridge refused: ZeroValue()"},
		{append(selector("LimitExceeded(address,uint256,uint256,uint256)"), data(number(1), number(2), number(3), number(4))...),
			"the bridge refused: LimitExceeded(token: 0x0000000000000000000000000000000000000001, index: 2, amount: 3, room: 4)"},
		{reason, `the bridge refused: Error(reason: "no")`},
		{long, `the bridge refused: Error(reason: "\x1b[2J` + strings.Repeat("a", 252) + `")`},
		{selector("WrongActionId(uint64,uint64)"), "the bridge refused: Unknown(data: 0x" + common.Bytes2Hex(selector("WrongActionId(uint64,uint64)")) + ")"},
		{nil, "the bridge refused: Unknown(data: 0x)"},
		{[]byte{1, 2, 3}, "the bridge refused: Unknown(data: 0x010203)"},
	} {
		if got := ethereum.DecodeRevert(c.data).Error(); got != c.want {
			t.Errorf("%x: got %q, want %q", c.data, got, c.want)
		}
	}
}

// TestCodeHashMasksOnlyImmutables changes bytes all over the runtime code: the hash changes, except where an immutable stands.
func TestCodeHashMasksOnlyImmutables(t *testing.T) {
	code := ethereum.RuntimeCode()
	var masked int
	for i := 0; i < len(code); i += 11 { // 11 and 32 have no common factor, so every place in a word comes up
		code[i] ^= 0xff
		hash, err := ethereum.CodeHash(code)
		if err != nil {
			t.Fatal(err)
		}
		if hash == ethereum.ExpectedCodeHash() {
			masked++
		}
		code[i] ^= 0xff
	}
	if masked == 0 || masked > len(code)/11/20 {
		t.Errorf("%d of %d bytes do not count", masked, len(code)/11)
	}
	if _, err := ethereum.CodeHash(code[1:]); err == nil {
		t.Error("shorter code has a hash")
	}
}

// TestPackRefuses holds that what the contract would refuse is refused before a transaction is made, with the reason.
func TestPackRefuses(t *testing.T) {
	members, err := testchain.NewMembers("pack", 4, [2]int{3, 5}, [2]int{2, 3})
	if err != nil {
		t.Fatal(err)
	}
	domain := codec.Keccak([]byte("domain"))
	noop := &bridgecontracts.Action{ID: 7, Body: &bridgecontracts.Noop{}}
	digest := noop.Digest(domain, 4)
	for name, c := range map[string]struct {
		spoil func(*bridgecontracts.Seal)
		want  string
	}{
		"another epoch":        {func(s *bridgecontracts.Seal) { s.Epoch = 3 }, "epoch 3"},
		"no processor":         {func(s *bridgecontracts.Seal) { s.Processor = signing.Signature{} }, "processor signature"},
		"too few":              {func(s *bridgecontracts.Seal) { s.Approvers = s.Approvers[1:] }, "want exactly 3"},
		"out of order":         {func(s *bridgecontracts.Seal) { s.Approvers[0], s.Approvers[1] = s.Approvers[1], s.Approvers[0] }, "ascending"},
		"twice":                {func(s *bridgecontracts.Seal) { s.Approvers[1] = s.Approvers[0] }, "ascending"},
		"a processor's vote":   {func(s *bridgecontracts.Seal) { s.Approvers[1] = s.Processor }, "who is no approver"},
		"high s":               {func(s *bridgecontracts.Seal) { s.Approvers[0][32] |= 0x80 }, "high s"},
		"v of 27":              {func(s *bridgecontracts.Seal) { s.Approvers[0][64] += 27 }, "or v"},
		"superfluous listener": {func(s *bridgecontracts.Seal) { s.Listeners = s.Approvers[:1] }, "want exactly 0"},
	} {
		t.Run(name, func(t *testing.T) {
			seal, err := members.Seal(digest, validators.Processor, validators.Approvers)
			if err != nil {
				t.Fatal(err)
			}
			c.spoil(seal)
			if _, err := ethereum.PackExecute(domain, noop, seal, &members.Set); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error about %q", err, c.want)
			}
		})
	}
}

func TestPackRefusesFields(t *testing.T) {
	members, err := testchain.NewMembers("pack", 4, [2]int{1, 1}, [2]int{1, 1})
	if err != nil {
		t.Fatal(err)
	}
	far := codec.Keccak([]byte("32 bytes"))
	domain := codec.Keccak([]byte("domain"))
	for name, body := range map[string]bridgecontracts.ActionBody{
		"token":     &bridgecontracts.Transfers{Transfers: []bridgecontracts.Transfer{{Token: far, To: word("a")}}},
		"recipient": &bridgecontracts.Transfers{Transfers: []bridgecontracts.Transfer{{Token: word("a"), To: far}}},
		"at most":   &bridgecontracts.Transfers{Transfers: make([]bridgecontracts.Transfer, ethereum.MaxTransfers+1)},
		"target":    &bridgecontracts.Call{Target: far},
	} {
		action := &bridgecontracts.Action{ID: 1, Body: body}
		groups := []validators.Group{validators.Processor, validators.Approvers}
		if body.Kind() == bridgecontracts.KindCall {
			groups = append(groups, validators.Listeners)
		}
		seal, err := members.Seal(action.Digest(domain, 4), groups...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ethereum.PackExecute(domain, action, seal, &members.Set); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error about the %s", err, name)
		}
	}
	if _, err := ethereum.PackDeposit(far, uint256.NewInt(1), nil); err == nil {
		t.Error("a deposit of a token with 32 bytes")
	}
	if _, err := ethereum.PackDeposit(word("a"), new(uint256.Int), nil); err == nil {
		t.Error("a deposit of nothing")
	}
	if _, err := ethereum.PackClaim(word("a"), word("b"), far); err == nil {
		t.Error("a claim to 32 bytes")
	}
}

func TestDomainIsADR(t *testing.T) {
	bridge := common.Address{19: 1}
	want := bridgecontracts.NewDomain(genesis, "eip155:31337", number(1))
	if got := ethereum.Domain(genesis, 31337, bridge); got != want {
		t.Errorf("domain %s, want %s", got, want)
	}
}
