package validators_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"pgregory.net/rapid"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// signers are deterministic keys, ascending by address.
var signers = func() []*signing.KeySigner {
	var all []*signing.KeySigner
	for i := range 24 {
		seed := codec.Keccak([]byte{byte(i)})
		key, err := crypto.ToECDSA(seed[:])
		if err != nil {
			panic(err)
		}
		all = append(all, signing.NewKeySigner(key))
	}
	slices.SortFunc(all, func(a, b *signing.KeySigner) int { return a.Address().Compare(b.Address()) })
	return all
}()

func addresses(from []*signing.KeySigner) []signing.Address {
	var all []signing.Address
	for _, s := range from {
		all = append(all, s.Address())
	}
	return all
}

// newSet has signer 0 as processor, 1–5 as approvers (3 of 5), 6–12 as listeners (5 of 7).
func newSet() *validators.Set {
	return &validators.Set{
		Epoch: 4, Processor: signers[0].Address(),
		ApproverQuorum: 3, Approvers: addresses(signers[1:6]),
		ListenerQuorum: 5, Listeners: addresses(signers[6:13]),
	}
}

func TestGroups(t *testing.T) {
	s := newSet()
	for _, c := range []struct {
		group   validators.Group
		name    string
		quorum  int
		members []*signing.KeySigner
	}{
		{validators.Processor, "processor", 1, signers[:1]},
		{validators.Listeners, "listener", 5, signers[6:13]},
		{validators.Approvers, "approver", 3, signers[1:6]},
		{0, "group 0", 0, nil},
		{9, "group 9", 0, nil},
	} {
		if c.group.String() != c.name || s.Quorum(c.group) != c.quorum || !slices.Equal(s.Members(c.group), addresses(c.members)) {
			t.Errorf("%s: quorum %d of %v", c.group, s.Quorum(c.group), s.Members(c.group))
		}
		for _, k := range signers {
			if got, want := s.Has(c.group, k.Address()), slices.Contains(c.members, k); got != want {
				t.Errorf("%s has %s: %v, want %v", c.group, k.Address(), got, want)
			}
			if seat, ok := s.Seat(k.Address()); slices.Contains(c.members, k) && (!ok || seat != c.group) {
				t.Errorf("%s sits in %s, %v; want %s", k.Address(), seat, ok, c.group)
			}
		}
	}
	if g, ok := s.Seat(signers[13].Address()); ok {
		t.Errorf("a stranger sits in %s", g)
	}
}

func TestValidate(t *testing.T) {
	if err := newSet().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(*validators.Set)
		want  []string
	}{
		"everything missing": {func(s *validators.Set) { *s = validators.Set{} }, []string{"epoch is 0", "processor is the zero address", "0 approvers", "0 listeners", "approver quorum is 0 of 0"}},
		"zero member":        {func(s *validators.Set) { s.Listeners[0] = signing.Address{} }, []string{"listener 0 is the zero address"}},
		"member twice":       {func(s *validators.Set) { s.Approvers[1] = s.Approvers[0] }, []string{"approver " + signers[1].Address().String() + " does not stand after"}},
		"out of order":       {func(s *validators.Set) { slices.Reverse(s.Listeners) }, []string{"ascending order"}},
		"quorum too high":    {func(s *validators.Set) { s.ApproverQuorum = 6 }, []string{"approver quorum is 6 of 5"}},
		"absurd quorum":      {func(s *validators.Set) { s.ListenerQuorum = 1 << 63 }, []string{"listener quorum is 9223372036854775808 of 7"}},
		"quorum zero":        {func(s *validators.Set) { s.ListenerQuorum = 0 }, []string{"listener quorum is 0 of 7"}},
		"too many": {func(s *validators.Set) {
			s.Listeners = nil
			for i := range validators.MaxMembers + 1 {
				s.Listeners = append(s.Listeners, signing.Address{1, byte(i)})
			}
		}, []string{"65 listeners; from 1 to 64"}},
		"processor approves": {func(s *validators.Set) { s.Processor = s.Approvers[2] }, []string{signers[3].Address().String() + " is the processor and holds another seat"}},
		"processor listens":  {func(s *validators.Set) { s.Processor = s.Listeners[0] }, []string{"is the processor and holds another seat"}},
		"two seats":          {func(s *validators.Set) { s.Listeners = slices.Insert(s.Listeners, 0, s.Approvers[4]) }, []string{signers[5].Address().String() + " is an approver and a listener"}},
	} {
		s := newSet()
		c.spoil(s)
		err := s.Validate()
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
}

// The quorums that trine init writes.
func TestDefaultQuorum(t *testing.T) {
	for n, want := range []uint64{1: 1, 2: 2, 3: 2, 4: 3, 5: 4, 6: 5, 7: 5, 8: 6, 9: 7, 10: 7, 13: 9, 64: 43} {
		if want > 0 && validators.DefaultQuorum(n) != want {
			t.Errorf("DefaultQuorum(%d) = %d, want %d", n, validators.DefaultQuorum(n), want)
		}
	}
	for n := 1; n <= validators.MaxMembers; n++ {
		k := int(validators.DefaultQuorum(n)) // small
		if k < 1 || k > n || 2*k <= n {
			t.Errorf("%d of %d: two quorums need not meet", k, n)
		}
		// From four on any two quorums share more members than may be hostile for one to be honest.
		if hostile := (n - 1) / 3; n >= 4 && 2*k-n <= hostile {
			t.Errorf("%d of %d: quorums share %d, and %d may be hostile", k, n, 2*k-n, hostile)
		}
	}
}

func TestUnsafe(t *testing.T) {
	for _, c := range []struct {
		approvers, listeners uint64
		want                 []string
	}{
		{3, 5, nil}, {3, 4, nil}, {5, 7, nil},
		{2, 5, []string{"approver quorum of 2 in 5"}}, {3, 3, []string{"listener quorum of 3 in 7"}},
		{1, 1, []string{"approver quorum of 1 in 5", "listener quorum of 1 in 7"}},
	} {
		s := newSet()
		s.ApproverQuorum, s.ListenerQuorum = c.approvers, c.listeners
		err := s.Unsafe()
		if (err == nil) != (c.want == nil) {
			t.Errorf("%d of 5, %d of 7: %v", c.approvers, c.listeners, err)
		}
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%d of 5, %d of 7: %v, want %q", c.approvers, c.listeners, err, want)
			}
		}
	}
	even := &validators.Set{Epoch: 1, Processor: signers[0].Address(), ApproverQuorum: 2, Approvers: addresses(signers[1:5]), ListenerQuorum: 1, Listeners: addresses(signers[5:6])}
	if err := even.Unsafe(); err == nil || !strings.Contains(err.Error(), "2 in 4") {
		t.Errorf("half of four: %v", err)
	}
}

// The set hash, word by word as ADR 0001 lists them.
func TestHash(t *testing.T) {
	s := newSet()
	word := func(n byte) []byte { return append(make([]byte, 31), n) }
	list := func(members []signing.Address) []byte {
		var all []byte
		for _, m := range members {
			all = append(all, append(make([]byte, 12), m[:]...)...)
		}
		return crypto.Keccak256(all)
	}
	want := crypto.Keccak256(
		crypto.Keccak256([]byte("trine/v1/set")), word(4), append(make([]byte, 12), s.Processor[:]...),
		word(3), list(s.Approvers), word(5), list(s.Listeners),
	)
	if got := s.Hash(); !bytes.Equal(got[:], want) {
		t.Errorf("hash %s, want %x", got, want)
	}
	if got := validators.ListHash(nil).String(); got != "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470" {
		t.Errorf("hash of no members: %s", got)
	}
	seen := map[codec.Hash]string{s.Hash(): "unchanged"}
	for name, change := range map[string]func(*validators.Set){
		"epoch":           func(s *validators.Set) { s.Epoch++ },
		"processor":       func(s *validators.Set) { s.Processor = signers[20].Address() },
		"approver quorum": func(s *validators.Set) { s.ApproverQuorum++ },
		"approver":        func(s *validators.Set) { s.Approvers[0] = signers[20].Address() },
		"approver gone":   func(s *validators.Set) { s.Approvers = s.Approvers[1:] },
		"listener quorum": func(s *validators.Set) { s.ListenerQuorum-- },
		"listener":        func(s *validators.Set) { s.Listeners[6] = signers[20].Address() },
		"groups swapped": func(s *validators.Set) {
			s.Approvers, s.Listeners = s.Listeners, s.Approvers
			s.ApproverQuorum, s.ListenerQuorum = s.ListenerQuorum, s.ApproverQuorum
		},
		"member moved": func(s *validators.Set) { // the lists in a row are the same, their border is not
			s.Approvers, s.Listeners = append(s.Approvers, s.Listeners[0]), s.Listeners[1:]
		},
	} {
		changed := newSet()
		change(changed)
		if other, ok := seen[changed.Hash()]; ok {
			t.Errorf("%s: the same hash as %s", name, other)
		}
		seen[changed.Hash()] = name
	}
}

func FuzzSet(f *testing.F) {
	f.Add(codec.Marshal(newSet()))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, input []byte) {
		var s validators.Set
		if codec.Unmarshal(input, &s, 8<<10) != nil {
			return
		}
		if !bytes.Equal(codec.Marshal(&s), input) {
			t.Errorf("%x is not the encoding of what it decodes to", input)
		}
		if len(s.Approvers) > validators.MaxMembers || len(s.Listeners) > validators.MaxMembers {
			t.Errorf("%d approvers, %d listeners", len(s.Approvers), len(s.Listeners))
		}
		// Whatever was decoded can be asked anything.
		if s.Validate() == nil && (s.Hash().IsZero() || s.Quorum(validators.Listeners) > len(s.Listeners)) {
			t.Error("a valid set has no hash or no quorum")
		}
		_, _ = s.Unsafe(), s.Has(validators.Approvers, signing.Address{1})
	})
}

var digest = codec.Keccak([]byte("statement"))

// sign returns signatures over d by the signers of these numbers.
func sign(t testing.TB, d codec.Hash, numbers ...int) []signing.Signature {
	t.Helper()
	var all []signing.Signature
	for _, n := range numbers {
		sig, err := signers[n].SignDigest(d)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sig)
	}
	return all
}

func TestVerifyQuorum(t *testing.T) {
	other := codec.Keccak([]byte("another statement"))
	spoilt := sign(t, digest, 1, 2, 3)
	spoilt[1][40] ^= 1
	high := sign(t, digest, 1, 2, 3)
	high[0][64] += 27
	for _, c := range []struct {
		name       string
		group      validators.Group
		signatures []signing.Signature
		want       string // "" when it is a quorum
	}{
		{"first three", validators.Approvers, sign(t, digest, 1, 2, 3), ""},
		{"last three", validators.Approvers, sign(t, digest, 3, 4, 5), ""},
		{"some three", validators.Approvers, sign(t, digest, 1, 3, 5), ""},
		{"five listeners", validators.Listeners, sign(t, digest, 6, 8, 9, 11, 12), ""},
		{"the processor", validators.Processor, sign(t, digest, 0), ""},
		{"nobody", validators.Approvers, nil, "0 approver signatures"},
		{"one too few", validators.Approvers, sign(t, digest, 1, 2), "want exactly 3"},
		{"one too many", validators.Approvers, sign(t, digest, 1, 2, 3, 4), "want exactly 3"},
		{"one twice", validators.Approvers, sign(t, digest, 1, 2, 2), "ascending"},
		{"one twice at first", validators.Approvers, sign(t, digest, 1, 1, 2), "ascending"},
		{"descending", validators.Approvers, sign(t, digest, 3, 2, 1), "ascending"},
		{"a stranger", validators.Approvers, sign(t, digest, 1, 2, 20), "is by " + signers[20].Address().String()},
		{"a listener approves", validators.Approvers, sign(t, digest, 1, 2, 6), "who is no approver of epoch 4"},
		{"the processor approves", validators.Approvers, sign(t, digest, 0, 1, 2), "who is no approver"},
		{"an approver processes", validators.Processor, sign(t, digest, 1), "who is no processor"},
		{"approvers listen", validators.Listeners, sign(t, digest, 1, 2, 3, 4, 5), "who is no listener"},
		{"another statement", validators.Approvers, sign(t, other, 1, 2, 3), "approver signature 0"},
		{"one over another statement", validators.Approvers, append(sign(t, digest, 1, 2), sign(t, other, 3)...), "approver signature 2"},
		{"a spoilt one", validators.Approvers, spoilt, "approver signature 1"},
		{"v of the EVM", validators.Approvers, high, "invalid signature"},
		{"zeros", validators.Approvers, make([]signing.Signature, 3), "invalid signature"},
	} {
		err := newSet().VerifyQuorum(c.group, digest, c.signatures)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if err := newSet().VerifyQuorum(validators.Group(9), digest, sign(t, digest, 1)); err == nil {
		t.Error("a group that does not exist has a quorum")
	}
}

// A group that does not exist has a quorum of none: nothing may pass for it.
func TestNoGroupHasNoQuorum(t *testing.T) {
	if err := newSet().VerifyQuorum(validators.Group(9), digest, nil); err == nil {
		t.Error("no signatures are a quorum of a group that does not exist")
	}
	if certificate, ok := new(validators.Tally).Quorum(newSet(), 0); ok {
		t.Errorf("an empty tally has a quorum of no group: %v", certificate)
	}
	if err := new(validators.Set).VerifyQuorum(validators.Listeners, digest, nil); err == nil {
		t.Error("no signatures are a quorum of an empty set")
	}
}

// However signatures come in, the tally has a quorum exactly when enough members have
// signed, and its certificate passes.
func TestTally(t *testing.T) {
	all := make([]signing.Signature, len(signers))
	for i, sig := range sign(t, digest, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23) {
		all[i] = sig
	}
	rapid.Check(t, func(rt *rapid.T) {
		set := newSet()
		group := rapid.SampledFrom([]validators.Group{validators.Processor, validators.Listeners, validators.Approvers}).Draw(rt, "group")
		var tally validators.Tally
		added := map[int]bool{}
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, len(signers)-1), 0, 30).Draw(rt, "signers") {
			if fresh := tally.Add(signers[n].Address(), all[n]); fresh == added[n] {
				rt.Fatalf("Add of %d: new %v, was added before %v", n, fresh, added[n])
			}
			added[n] = true
			if tally.Add(signers[n].Address(), signing.Signature{1}) {
				rt.Fatal("a second signature of a signer was taken")
			}
		}
		members := 0
		for n := range signers {
			if added[n] && set.Has(group, signers[n].Address()) {
				members++
			}
		}
		certificate, ok := tally.Quorum(set, group)
		if ok != (members >= set.Quorum(group)) || len(certificate) != min(members, set.Quorum(group)) {
			rt.Fatalf("%d of %d members: quorum %v of %d signatures", members, set.Quorum(group), ok, len(certificate))
		}
		if err := set.VerifyQuorum(group, digest, certificate); ok != (err == nil) {
			rt.Fatalf("quorum %v, but: %v", ok, err)
		}
	})
}

func BenchmarkVerifyQuorum(b *testing.B) {
	set, signatures := newSet(), sign(b, digest, 6, 7, 8, 9, 10)
	for b.Loop() {
		if err := set.VerifyQuorum(validators.Listeners, digest, signatures); err != nil {
			b.Fatal(err)
		}
	}
}
