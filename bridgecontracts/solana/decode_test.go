package solana

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

func le64(out []byte, values ...uint64) []byte {
	for _, v := range values {
		out = binary.LittleEndian.AppendUint64(out, v)
	}
	return out
}

func testSet(epoch uint64) validators.Set {
	return validators.Set{
		Epoch: epoch, Processor: signing.Address{1}, ApproverQuorum: 2, Approvers: []signing.Address{{2}, {3}, {4}},
		ListenerQuorum: 1, Listeners: []signing.Address{{5}, {6}},
	}
}

// encodeState writes a state account as README.md describes it. newest is where in the ring the newest mark stands.
func encodeState(s *State, newest int) []byte {
	out := append([]byte("trineST1"), 255, byte(s.Set.ApproverQuorum), byte(len(s.Set.Approvers)), byte(s.Set.ListenerQuorum), byte(len(s.Set.Listeners)), byte(newest), 254, 0)
	for _, h := range []codec.Hash{s.Genesis, s.CAIP2, s.Domain, s.SetHash} {
		out = append(out, h[:]...)
	}
	out = le64(out, s.Now.Epoch, s.Now.NextAction, s.Now.EventID, s.Now.PauseSequence, s.Now.LimitVersion)
	out = append(out, s.Now.Head[:24]...)
	out = le64(out, s.Now.Slot, s.StartSlot, s.Reserve)
	out = append(out, s.Page[:]...)
	out = le64(out, s.Limit.Capacity, s.Limit.Level, s.Limit.Time)
	out = append(binary.LittleEndian.AppendUint16(out, s.Limit.Minutes), make([]byte, 6)...)
	out = append(append(out, s.Set.Processor[:]...), make([]byte, 20)...)
	for _, list := range [][]signing.Address{s.Set.Approvers, s.Set.Listeners} {
		for _, a := range list {
			out = append(out, a[:]...)
		}
		out = append(out, make([]byte, 20*(validators.MaxMembers-len(list)))...)
	}
	ring := make([]Mark, Marks)
	for i, m := range s.Marks {
		ring[(newest+1+Marks-len(s.Marks)+i)%Marks] = m
	}
	for _, m := range ring {
		out = append(le64(out, m.Slot, m.EventID), m.Head[:24]...)
		out = le64(out, m.NextAction, m.Epoch, m.PauseSequence, m.LimitVersion)
	}
	return out
}

// testState has marks of so many slots, 10 apart.
func testState(marks int) *State {
	set := testSet(7)
	s := &State{Genesis: codec.Hash{1}, CAIP2: codec.Hash{2}, Domain: codec.Hash{3}, Set: set, SetHash: set.Hash(), StartSlot: 100, Reserve: 5, Page: Key{9},
		Limit: Bucket{Capacity: 10, Level: 3, Time: 99, Minutes: 2}}
	for i := range marks {
		n := uint64(i)
		s.Marks = append(s.Marks, Mark{Slot: 100 + 10*n, EventID: 2 * n, Head: codec.Hash{byte(i)}, NextAction: n + 1, Epoch: 7, PauseSequence: n, LimitVersion: n})
	}
	s.Now = s.Marks[len(s.Marks)-1]
	if s.Now.EventID == 0 {
		s.Now.Slot = 0
	}
	return s
}

func TestDecodeState(t *testing.T) {
	for _, c := range []struct{ marks, newest int }{{1, 0}, {2, 1}, {96, 95}, {96, 0}, {96, 40}} {
		want := testState(c.marks)
		got, err := DecodeState(encodeState(want, c.newest))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d marks, the newest at %d: %+v, %v", c.marks, c.newest, got, err)
		}
	}
}

func TestCountersOfASlot(t *testing.T) {
	s := testState(5)
	for slot, want := range map[uint64]int{100: 0, 109: 0, 110: 1, 125: 2, 140: 4, 1 << 40: 4} {
		if m, ok := s.At(slot); !ok || m != s.Marks[want] {
			t.Errorf("slot %d: %+v, %t; want mark %d", slot, m, ok, want)
		}
	}
	if m, ok := s.At(99); ok {
		t.Errorf("a slot before all marks has counters %+v", m)
	}
}

func TestSpoiltStates(t *testing.T) {
	good := encodeState(testState(5), 4)
	for name, spoil := range map[string]func(b []byte) []byte{
		"short":                 func(b []byte) []byte { return b[:len(b)-1] },
		"long":                  func(b []byte) []byte { return append(b, 0) },
		"another magic":         func(b []byte) []byte { b[7] = '2'; return b },
		"too many approvers":    func(b []byte) []byte { b[10] = 65; return b },
		"fewer approvers":       func(b []byte) []byte { b[10] = 2; return b },
		"a newest mark too far": func(b []byte) []byte { b[13] = 96; return b },
		"another newest mark":   func(b []byte) []byte { b[13] = 3; return b },
		"another set hash":      func(b []byte) []byte { b[112] ^= 1; return b },
		"another counter":       func(b []byte) []byte { b[160] ^= 1; return b },
		"marks out of order":    func(b []byte) []byte { b[2896+72] = 255; return b },
		"junk in a gap":         func(b []byte) []byte { b[320] = 1; return b },
	} {
		if s, err := DecodeState(spoil(bytes.Clone(good))); err == nil {
			t.Errorf("%s: decoded as %+v", name, s)
		}
	}
}

// encodeRecord writes what the program writes, from the fields of README.md.
func encodeRecord(r *Record) []byte {
	out := le64([]byte{tagRecord, 250, byte(r.Event.Body.Kind())}, r.Event.ID, r.Previous)
	out = append(out, r.After.Head[:24]...)
	out = le64(out, r.After.NextAction, r.After.Epoch, r.After.PauseSequence, r.After.LimitVersion)
	word := func(h codec.Hash) { out = append(out, h[:]...) }
	switch b := r.Event.Body.(type) {
	case *bridgecontracts.Deposited:
		word(b.Wallet)
		word(b.Token)
		out = append(le64(out, b.Amount.Uint64()), byte(len(b.Keys)))
		for i := range b.Keys {
			out = append(append(out, b.Keys[i].Key[:]...), b.Keys[i].Signature[:]...)
		}
	case *bridgecontracts.ActionExecuted:
		out = le64(out, b.ActionID)
		word(b.Digest)
		word(b.Failed)
	case *bridgecontracts.SetRotated:
		out = le64(out, b.Epoch)
		word(b.SetHash)
	case *bridgecontracts.Paused:
		out = le64(out, b.Sequence)
	case *bridgecontracts.Unpaused:
		out = le64(out, b.Sequence)
	case *bridgecontracts.LimitSet:
		out = le64(out, b.Sequence)
		word(b.Token)
		out = le64(out, b.Capacity.Uint64(), b.Window)
	case *bridgecontracts.Claimed:
		word(b.Token)
		word(b.Recipient)
		out = le64(out, b.Amount.Uint64())
	}
	return out
}

func testRecords() (out []*Record) {
	amount := *uint256.NewInt(1 << 63)
	keys := make([]bridgecontracts.KeyProof, 4)
	keys[3].Key[0], keys[3].Signature[64] = 2, 1
	for i, body := range []bridgecontracts.EventBody{
		&bridgecontracts.Deposited{Wallet: codec.Hash{1}, Token: codec.Hash{2}, Amount: amount},
		&bridgecontracts.Deposited{Wallet: codec.Hash{1}, Token: codec.Hash{2}, Keys: keys},
		&bridgecontracts.ActionExecuted{ActionID: 4, Digest: codec.Hash{5}, Failed: codec.Hash{31: 6}},
		&bridgecontracts.SetRotated{Epoch: 8, SetHash: codec.Hash{7}},
		&bridgecontracts.Paused{Sequence: 3}, &bridgecontracts.Unpaused{Sequence: 4},
		&bridgecontracts.LimitSet{Sequence: 2, Token: codec.Hash{3}, Capacity: amount, Window: 120},
		&bridgecontracts.Claimed{Token: codec.Hash{4}, Recipient: codec.Hash{5}, Amount: amount},
	} {
		id := uint64(i + 1)
		out = append(out, &Record{Event: bridgecontracts.Event{ID: id, Body: body}, Previous: 40 + id,
			After: Mark{EventID: id, Head: codec.Hash{9}, NextAction: 2, Epoch: 3, PauseSequence: 4, LimitVersion: 5}})
	}
	return out
}

func TestDecodeRecord(t *testing.T) {
	for _, want := range testRecords() {
		data := encodeRecord(want)
		got, err := DecodeRecord(data)
		if err != nil || !reflect.DeepEqual(got, want) || !IsRecord(data) {
			t.Errorf("%T: %+v, %v", want.Event.Body, got, err)
		}
		if len(data) > MaxRecord {
			t.Errorf("%T takes %d bytes, MaxRecord is %d", want.Event.Body, len(data), MaxRecord)
		}
		for _, bad := range [][]byte{data[:len(data)-1], append(bytes.Clone(data), 0), append([]byte{tagExecute}, data[1:]...)} {
			if got, err := DecodeRecord(bad); err == nil {
				t.Errorf("%T: %x is decoded as %+v", want.Event.Body, bad, got)
			}
		}
	}
}

func FuzzDecoders(f *testing.F) {
	f.Add(encodeState(testState(3), 2))
	for _, r := range testRecords() {
		f.Add(encodeRecord(r))
	}
	f.Add(append([]byte("trineTK1"), make([]byte, 136)...))
	f.Add(append([]byte("trineCL1"), make([]byte, 112)...))
	f.Add(append([]byte("trineBF1"), make([]byte, 96)...))
	f.Add(make([]byte, programDataHeader))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := DecodeRecord(data); err == nil {
			if again := encodeRecord(r); !bytes.Equal(again[2:], data[2:]) { // the bump is not kept
				t.Errorf("record %x is written again as %x", data, again)
			}
		}
		if s, err := DecodeState(data); err == nil && (len(s.Marks) == 0 || s.Set.Hash() != s.SetHash) {
			t.Errorf("state %+v", s)
		}
		if b, err := DecodeBuffer(data); err == nil && len(b.Body) != len(data)-104 {
			t.Errorf("a buffer of %d bytes has a body of %d", len(data), len(b.Body))
		}
		if c, err := DecodeClaim(data); err == nil && len(data) != 120 {
			t.Errorf("claim %+v of %d bytes", c, len(data))
		}
		if k, err := DecodeToken(data); err == nil && len(data) != 144 {
			t.Errorf("token %+v of %d bytes", k, len(data))
		}
		if h, err := CodeHash(data); err == nil && h.IsZero() {
			t.Error("a code hash of zero")
		}
	})
}

func TestCodeHash(t *testing.T) {
	header := func(authority bool) []byte {
		h := append(binary.LittleEndian.AppendUint32(nil, 3), make([]byte, 41)...)
		if authority {
			h[12], h[13] = 1, 7
		}
		return h
	}
	for name, code := range map[string][]byte{"version 3": Code(), "version 0": CodeV0()} {
		if got, err := CodeHash(append(append(header(false), code...), make([]byte, 1000)...)); err != nil || got != ExpectedCodeHash() {
			t.Errorf("%s: %s, %v", name, got, err)
		}
		if _, err := CodeHash(append(header(true), code...)); !errors.Is(err, ErrUpgradable) {
			t.Errorf("%s with an upgrade authority: %v", name, err)
		}
		other := append(append(header(false), code...), 1)
		if got, err := CodeHash(other); err != nil || got == ExpectedCodeHash() {
			t.Errorf("%s with a byte behind it: %s, %v", name, got, err)
		}
	}
	if bytes.Equal(Code(), CodeV0()) {
		t.Error("both builds are the same")
	}
}

// The program's own table of faults is the truth.
func TestFaultsAreThoseOfTheProgram(t *testing.T) {
	source, err := os.ReadFile("program/src/errors.rs")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\s+(\d+) (\w+): "`).FindAllStringSubmatch(string(source), -1)
	if len(rows) != len(faultNames) {
		t.Errorf("the program has %d faults, here are %d", len(rows), len(faultNames))
	}
	for _, row := range rows {
		n, err := strconv.ParseUint(row[1], 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		if f, ok := FaultOf(faultBase + uint32(n)); !ok || f.String() != row[2] {
			t.Errorf("fault %d is %s, %t here and %s in the program", n, f, ok, row[2])
		}
	}
	for _, code := range []uint32{0, 1, 6000, faultBase, faultBase + 1<<16} {
		if f, ok := FaultOf(code); ok {
			t.Errorf("code %#x counts as the bridge's %s", code, f)
		}
	}
}

// The golden vectors' seals are taken, put into the program's form, and refused after any change.
func TestSealsOfTheVectors(t *testing.T) {
	raw, err := os.ReadFile("../testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Keys []struct {
			PrivateKey string `json:"privateKey"`
			Role       string `json:"role"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(raw, &v); err != nil || len(v.Keys) == 0 {
		t.Fatal(err, len(v.Keys))
	}
	set, signers := setOf(t, v.Keys[0].PrivateKey)
	domain := codec.Hash{1}
	action := &bridgecontracts.Action{ID: 3, Body: &bridgecontracts.Noop{}}
	digest := action.Digest(domain, set.Epoch)
	seal := bridgecontracts.Seal{Epoch: set.Epoch, Processor: signers[0](digest), Approvers: []signing.Signature{signers[1](digest), signers[2](digest)}}
	s, err := SealAction(domain, action, &seal, &set)
	if err != nil {
		t.Fatal(err)
	}
	inline := s.Append(nil)
	if len(inline) != 64+2*65 || inline[64] != 0 || inline[64+65] != 1 || s.Count() != 3 || s.groups() != 3 {
		t.Errorf("the seal is %x", inline)
	}
	held := &Buffer{Epoch: set.Epoch, Processor: true, Approvers: 1}
	if rest := s.Missing(held); rest.Count() != 1 || rest.Approvers[0].Index != 1 {
		t.Errorf("what a buffer lacks is %+v", rest)
	}
	if parts := s.Split(2); len(parts) != 2 || parts[0].Count() != 2 || parts[1].Count() != 1 {
		t.Errorf("parts of two: %+v", parts)
	}
	for name, change := range map[string]func(s *bridgecontracts.Seal){
		"another epoch":      func(s *bridgecontracts.Seal) { s.Epoch++ },
		"one too few":        func(s *bridgecontracts.Seal) { s.Approvers = s.Approvers[:1] },
		"in disorder":        func(s *bridgecontracts.Seal) { s.Approvers[0], s.Approvers[1] = s.Approvers[1], s.Approvers[0] },
		"twice the same":     func(s *bridgecontracts.Seal) { s.Approvers[1] = s.Approvers[0] },
		"the processor's":    func(s *bridgecontracts.Seal) { s.Approvers[0] = s.Processor },
		"listeners for none": func(s *bridgecontracts.Seal) { s.Listeners = s.Approvers[:1] },
		"no processor":       func(s *bridgecontracts.Seal) { s.Processor = signing.Signature{} },
	} {
		bad := seal
		bad.Approvers = append([]signing.Signature(nil), seal.Approvers...)
		change(&bad)
		if _, err := SealAction(domain, action, &bad, &set); err == nil {
			t.Errorf("%s: the seal passes", name)
		}
	}
}

// setOf makes a set of four keys that follow from a seed, and their signers: processor, two approvers, a listener.
func setOf(t *testing.T, seed string) (validators.Set, []func(codec.Hash) signing.Signature) {
	t.Helper()
	start, err := hex.DecodeString(strings.TrimPrefix(seed, "0x"))
	if err != nil {
		t.Fatal(err)
	}
	return makeSet(t, start)
}
