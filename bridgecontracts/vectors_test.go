package bridgecontracts_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"

	. "github.com/trinebridge/trine/bridgecontracts"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew")

const vectorsFile = "testdata/vectors.json"

// The vectors are built from named inputs, so that a contract test can rebuild every
// digest from the fields it would execute and compare.
type vectors struct {
	Genesis      codec.Hash          `json:"genesis"`
	CAIP2        string              `json:"caip2"`
	Bridge       codec.Hash          `json:"bridge"`
	Domain       codec.Hash          `json:"domain"`
	Tags         map[string]string   `json:"tags"`
	Keys         []keyVector         `json:"keys"`
	Set          setVector           `json:"set"`
	Events       []eventVector       `json:"events"`
	Actions      []actionVector      `json:"actions"`
	Controls     []controlVector     `json:"controls"`
	Attestation  attestationVector   `json:"attestation"`
	KeyLink      keyLinkVector       `json:"keyLink"`
	OtherDigests []otherDigestVector `json:"otherDigests"`
}

type keyVector struct {
	PrivateKey codec.Hash        `json:"privateKey"`
	PublicKey  signing.PublicKey `json:"publicKey"`
	Address    signing.Address   `json:"address"`
	Role       string            `json:"role"`
}

type setVector struct {
	Epoch          uint64            `json:"epoch"`
	Processor      signing.Address   `json:"processor"`
	ApproverQuorum uint64            `json:"approverQuorum"`
	Approvers      []signing.Address `json:"approvers"`
	ListenerQuorum uint64            `json:"listenerQuorum"`
	Listeners      []signing.Address `json:"listeners"`
	ApproversHash  codec.Hash        `json:"approversHash"`
	ListenersHash  codec.Hash        `json:"listenersHash"`
	Hash           codec.Hash        `json:"hash"`
	Borsh          string            `json:"borsh"`
}

type eventVector struct {
	Name   string            `json:"name"`
	Kind   EventKind         `json:"kind"`
	ID     uint64            `json:"id"`
	Fields map[string]string `json:"fields"`
	Hash   codec.Hash        `json:"hash"`
	Head   codec.Hash        `json:"head"`
	Borsh  string            `json:"borsh"`
}

type actionVector struct {
	Name       string            `json:"name"`
	Kind       ActionKind        `json:"kind"`
	ID         uint64            `json:"id"`
	Epoch      uint64            `json:"epoch"`
	Transfers  []transferVector  `json:"transfers,omitempty"`
	Call       map[string]string `json:"call,omitempty"`
	BodyHash   codec.Hash        `json:"bodyHash"`
	Digest     codec.Hash        `json:"digest"`
	Signatures []string          `json:"signatures"`
	Borsh      string            `json:"borsh"`
}

type transferVector struct {
	Token  codec.Hash `json:"token"`
	To     codec.Hash `json:"to"`
	Amount codec.Hash `json:"amount"`
}

type controlVector struct {
	Name     string            `json:"name"`
	Kind     ControlKind       `json:"kind"`
	Epoch    uint64            `json:"epoch"`
	Sequence uint64            `json:"sequence"`
	Fields   map[string]string `json:"fields"`
	BodyHash codec.Hash        `json:"bodyHash"`
	Digest   codec.Hash        `json:"digest"`
	Borsh    string            `json:"borsh"`
}

type attestationVector struct {
	Generation uint64     `json:"generation"`
	EventID    uint64     `json:"eventId"`
	Head       codec.Hash `json:"head"`
	Digest     codec.Hash `json:"digest"`
}

type keyLinkVector struct {
	Wallet    codec.Hash        `json:"wallet"`
	Key       signing.PublicKey `json:"key"`
	Digest    codec.Hash        `json:"digest"`
	Signature signing.Signature `json:"signature"`
}

type otherDigestVector struct {
	Kind   string       `json:"kind"`
	Words  []codec.Hash `json:"words"`
	Digest codec.Hash   `json:"digest"`
}

func hexOf(r codec.Record) string { return "0x" + bytesHex(codec.Marshal(r)) }

func bytesHex(b []byte) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*len(b))
	for _, x := range b {
		out = append(out, digits[x>>4], digits[x&15])
	}
	return string(out)
}

func amount(n uint64) uint256.Int { return *uint256.NewInt(n) }

func amountHex(n *uint256.Int) string { return codec.AmountWord(n).String() }

func decimal(n uint64) string { return uint256.NewInt(n).Dec() }

// vectorKeys derives the keys of the vectors from their names.
func vectorKey(t *testing.T, role string) *signing.KeySigner {
	t.Helper()
	seed := codec.Keccak([]byte("trine golden vectors: " + role))
	key, err := crypto.ToECDSA(seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return signing.NewKeySigner(key)
}

func buildVectors(t *testing.T) vectors {
	v := vectors{
		Genesis: codec.Keccak([]byte("golden genesis")),
		CAIP2:   "eip155:31337",
		Bridge:  codec.LeftPad(bytes.Repeat([]byte{0xb1}, 20)),
		Tags:    map[string]string{},
	}
	for _, k := range signing.Kinds() {
		v.Tags[k.String()] = k.Tag().String()
	}
	v.Domain = NewDomain(v.Genesis, v.CAIP2, v.Bridge)

	set := validators.Set{Epoch: 7, ApproverQuorum: 3, ListenerQuorum: 2}
	signers := map[signing.Address]*signing.KeySigner{}
	for _, role := range []string{"processor", "approver 1", "approver 2", "approver 3", "approver 4", "approver 5", "listener 1", "listener 2", "listener 3"} {
		k := vectorKey(t, role)
		seed := codec.Keccak([]byte("trine golden vectors: " + role))
		v.Keys = append(v.Keys, keyVector{seed, k.PublicKey(), k.Address(), role})
		signers[k.Address()] = k
		switch role[0] {
		case 'p':
			set.Processor = k.Address()
		case 'a':
			set.Approvers = append(set.Approvers, k.Address())
		default:
			set.Listeners = append(set.Listeners, k.Address())
		}
	}
	sortAddresses(set.Approvers)
	sortAddresses(set.Listeners)
	if err := set.Validate(); err != nil {
		t.Fatal(err)
	}
	v.Set = setVector{set.Epoch, set.Processor, set.ApproverQuorum, set.Approvers, set.ListenerQuorum, set.Listeners,
		validators.ListHash(set.Approvers), validators.ListHash(set.Listeners), set.Hash(), hexOf(&set)}

	wallet := codec.LeftPad(bytes.Repeat([]byte{0xa1}, 20))
	token := codec.LeftPad(bytes.Repeat([]byte{0x70}, 20))
	user := vectorKey(t, "user")
	link := KeyLinkDigest(v.Domain, wallet, user.PublicKey())
	linkSig, err := user.SignDigest(link)
	if err != nil {
		t.Fatal(err)
	}
	v.KeyLink = keyLinkVector{wallet, user.PublicKey(), link, linkSig}
	key := KeyProof{user.PublicKey(), linkSig}
	v.Events = eventVectors(v.Domain, wallet, token, key, set.Hash())

	v.Actions = actionVectors(t, v.Domain, token, wallet, &set, signers)
	v.Controls = controlVectors(v.Domain, token, &set)

	head := v.Events[len(v.Events)-1].Head
	att := Attestation{v.Domain, 3, uint64(len(v.Events)), head}
	v.Attestation = attestationVector{3, att.EventID, head, att.Digest()}
	v.OtherDigests = otherDigests(v.Genesis, v.Domain, token)
	return v
}

func sortAddresses(list []signing.Address) {
	for i := range list {
		for j := i; j > 0 && list[j].Compare(list[j-1]) < 0; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
}

func eventVectors(domain Domain, wallet, token codec.Hash, key KeyProof, setHash codec.Hash) []eventVector {
	failed := codec.Uint64Word(0b101)
	digest := codec.Keccak([]byte("some action"))
	large := *uint256.MustFromHex("0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")
	keys := "0x" + bytesHex(codec.Marshal(&key))
	list := []struct {
		name   string
		body   EventBody
		fields map[string]string
	}{
		{"deposit without keys", &Deposited{wallet, token, amount(1_000_000), nil},
			map[string]string{"wallet": wallet.String(), "token": token.String(), "amount": decimal(1_000_000), "keys": "0x"}},
		{"deposit with two keys and the largest amount", &Deposited{wallet, token, large, []KeyProof{key, key}},
			map[string]string{"wallet": wallet.String(), "token": token.String(), "amount": amountHex(&large), "keys": keys + keys[2:]}},
		{"key association", &Deposited{wallet, token, amount(0), []KeyProof{key}},
			map[string]string{"wallet": wallet.String(), "token": token.String(), "amount": "0", "keys": keys}},
		{"action executed", &ActionExecuted{9, digest, failed},
			map[string]string{"actionId": "9", "digest": digest.String(), "failed": failed.String()}},
		{"set rotated", &SetRotated{8, setHash}, map[string]string{"epoch": "8", "setHash": setHash.String()}},
		{"paused", &Paused{1}, map[string]string{"sequence": "1"}},
		{"unpaused", &Unpaused{2}, map[string]string{"sequence": "2"}},
		{"limit set", &LimitSet{4, token, amount(5_000), 3600},
			map[string]string{"sequence": "4", "token": token.String(), "capacity": "5000", "window": "3600"}},
		{"claimed", &Claimed{token, wallet, amount(77)},
			map[string]string{"token": token.String(), "recipient": wallet.String(), "amount": "77"}},
	}
	head := FirstHead(domain)
	var out []eventVector
	for i, e := range list {
		event := Event{ID: uint64(i) + 1, Body: e.body}
		head = NextHead(head, &event)
		out = append(out, eventVector{e.name, e.body.Kind(), event.ID, e.fields, event.Hash(), head, hexOf(&event)})
	}
	return out
}

func actionVectors(t *testing.T, domain Domain, token, to codec.Hash, set *validators.Set, signers map[signing.Address]*signing.KeySigner) []actionVector {
	list := []struct {
		name string
		body ActionBody
	}{
		{"one transfer", &Transfers{[]Transfer{{token, to, amount(1)}}}},
		{"two transfers", &Transfers{[]Transfer{{token, to, amount(1)}, {token, to, amount(1 << 40)}}}},
		{"call", &Call{token, amount(5), []byte{1, 2, 3}}},
		{"noop", &Noop{}},
	}
	var out []actionVector
	for i, a := range list {
		action := Action{ID: uint64(i) + 1, Body: a.body}
		digest := action.Digest(domain, set.Epoch)
		v := actionVector{Name: a.name, Kind: a.body.Kind(), ID: action.ID, Epoch: set.Epoch, BodyHash: a.body.Hash(), Digest: digest, Borsh: hexOf(&action)}
		switch b := a.body.(type) {
		case *Transfers:
			for _, tr := range b.Transfers {
				v.Transfers = append(v.Transfers, transferVector{tr.Token, tr.To, codec.AmountWord(&tr.Amount)})
			}
		case *Call:
			v.Call = map[string]string{"target": b.Target.String(), "value": b.Value.Dec(), "data": "0x" + bytesHex(b.Data)}
		}
		// The processor first, then the quorum of approvers in ascending order.
		for _, signer := range append([]signing.Address{set.Processor}, set.Approvers[:set.ApproverQuorum]...) {
			sig, err := signers[signer].SignDigest(digest)
			if err != nil {
				t.Fatal(err)
			}
			v.Signatures = append(v.Signatures, sig.String())
		}
		out = append(out, v)
	}
	return out
}

func controlVectors(domain Domain, token codec.Hash, set *validators.Set) []controlVector {
	next := *set
	next.Epoch = 9
	list := []struct {
		name     string
		sequence uint64
		body     ControlBody
		fields   map[string]string
	}{
		{"rotate to epoch 9", 9, &Rotate{next}, map[string]string{"setHash": next.Hash().String()}},
		{"pause", 1, &Pause{}, nil},
		{"unpause", 2, &Unpause{}, nil},
		{"set limit", 4, &SetLimit{token, amount(5_000), 3600}, map[string]string{"token": token.String(), "capacity": "5000", "window": "3600"}},
	}
	var out []controlVector
	for _, c := range list {
		control := Control{c.sequence, c.body}
		out = append(out, controlVector{c.name, c.body.Kind(), set.Epoch, c.sequence, c.fields, c.body.Hash(), control.Digest(domain, set.Epoch), hexOf(&control)})
	}
	return out
}

func otherDigests(genesis codec.Hash, domain Domain, token codec.Hash) []otherDigestVector {
	n := codec.Uint64Word
	code, set, head, block := codec.Keccak([]byte("code")), codec.Keccak([]byte("set")), FirstHead(domain), codec.Keccak([]byte("block"))
	five := amount(5)
	return []otherDigestVector{
		{"attach", []codec.Hash{domain, n(1), code, set, n(1234)}, AttachDigest(domain, 1, code, set, 1234)},
		{"correction", []codec.Hash{domain, n(2), token, n(2), n(5)}, CorrectionDigest(domain, 2, token, Down, &five)},
		{"revert", []codec.Hash{domain, n(2), n(17), head}, RevertDigest(domain, 2, 17, head)},
		{"ack", []codec.Hash{genesis, n(99), block}, AckDigest(genesis, 99, block)},
		{"notice", []codec.Hash{genesis, block, n(3), codec.Keccak([]byte("why"))}, NoticeDigest(genesis, block, 3, "why")},
		{"proposal", []codec.Hash{genesis, n(7), n(1), set}, ProposalDigest(genesis, 7, 1, set)},
		{"alert", []codec.Hash{genesis, n(1), block, head}, AlertDigest(genesis, 1, block, head)},
	}
}

// TestVectors holds the code against the committed vectors, which the contract tests
// of every chain read too. A difference means that deployed bridges would disagree.
func TestVectors(t *testing.T) {
	got, err := json.MarshalIndent(buildVectors(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(vectorsFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%s differs from what the code computes; if a change of bytes is really meant, record it in an ADR and run go test ./bridgecontracts -update", vectorsFile)
	}
}

// TestOtherDigestsAreTheirWords rebuilds each digest from tag and words alone.
func TestOtherDigestsAreTheirWords(t *testing.T) {
	v := buildVectors(t)
	for _, d := range v.OtherDigests {
		words := append([]codec.Hash{codec.Keccak([]byte("trine/v1/" + d.Kind))}, d.Words...)
		if got := codec.HashWords(words...); got != d.Digest {
			t.Errorf("%s digest is %s, want keccak256 of its words %s", d.Kind, d.Digest, got)
		}
	}
}
