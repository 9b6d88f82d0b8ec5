package ledger_test

import (
	"errors"
	"testing"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
)

// TestSignaturesOutOfContext signs with the right keys what is nearly right, for every
// kind of signature that the ledger checks: other kinds of statement, another app chain,
// bridge, epoch, generation, id or revision. All are refused; the right one is taken.
func TestSignaturesOutOfContext(t *testing.T) {
	w, err := newWorld(testGenesis())
	if err != nil {
		t.Fatal(err)
	}
	c, other := w.bridges[one], w.bridges[two]
	attach := w.attachMessage(one, 1)
	attachDigest := func(domain bridgecontracts.Domain, sequence, block uint64) codec.Hash {
		return bridgecontracts.AttachDigest(domain, sequence, attach.CodeHash, attach.SetHash, block)
	}
	w.outOfContext(t, "attach", attachDigest(c.domain, 1, 7), map[string]codec.Hash{
		"bridge": attachDigest(other.domain, 1, 7), "sequence": attachDigest(c.domain, 2, 7), "block": attachDigest(c.domain, 1, 8),
		"attestation": (&bridgecontracts.Attestation{Domain: c.domain, Generation: 1, EventID: 1}).Digest(),
	}, func(digest codec.Hash) (*signing.KeySigner, ledger.MessageBody) {
		m := *attach
		m.Listeners, m.Approvers = quorum(w.listeners, 2, digest), quorum(w.approvers, 2, digest)
		return w.processor, &m
	})
	if _, err := w.send(w.processor, w.attachMessage(two, 2)); err != nil {
		t.Fatal(err)
	}

	if err := c.deposit(wallet("ann"), wallet("usd 1"), *uint256.NewInt(1000), proof(c, wallet("ann"), named("ann"))); err != nil {
		t.Fatal(err)
	}
	head := bridgecontracts.NextHead(bridgecontracts.FirstHead(c.domain), &c.events[0])
	right := bridgecontracts.Attestation{Domain: c.domain, Generation: 1, EventID: 1, Head: head}
	attestation := func(change func(a *bridgecontracts.Attestation)) codec.Hash {
		a := right
		change(&a)
		return a.Digest()
	}
	w.outOfContext(t, "attestation", right.Digest(), map[string]codec.Hash{
		"bridge":     attestation(func(a *bridgecontracts.Attestation) { a.Domain = other.domain }),
		"generation": attestation(func(a *bridgecontracts.Attestation) { a.Generation = 2 }),
		"event":      attestation(func(a *bridgecontracts.Attestation) { a.EventID = 2 }),
		"head":       attestation(func(a *bridgecontracts.Attestation) { a.Head = bridgecontracts.FirstHead(c.domain) }),
		"correction": bridgecontracts.CorrectionDigest(c.domain, 1, head, bridgecontracts.Up, uint256.NewInt(1)),
		"revert":     bridgecontracts.RevertDigest(c.domain, 1, 1, head),
	}, func(digest codec.Hash) (*signing.KeySigner, ledger.MessageBody) {
		return w.processor, &ledger.Attest{Domain: c.domain, Generation: 1, Events: c.pending(), Signatures: quorum(w.listeners, 2, digest)}
	})
	c.reported = 1

	if _, err := w.send(named("ann"), &ledger.Withdraw{Chain: one, Asset: 1, To: wallet("ann"), Amount: *uint256.NewInt(100)}); err != nil {
		t.Fatal(err)
	}
	r, _, err := w.view().Action(c.domain, 1)
	if err != nil {
		t.Fatal(err)
	}
	noop, second := r.Action, r.Action
	noop.Body, second.ID = &bridgecontracts.Noop{}, 2
	control := bridgecontracts.Control{Sequence: 1, Body: &bridgecontracts.SetLimit{Token: wallet("usd 1"), Capacity: *uint256.NewInt(500), Window: 60}}
	w.outOfContext(t, "seal", r.Action.Digest(c.domain, 1), map[string]codec.Hash{
		"bridge": r.Action.Digest(other.domain, 1), "epoch": r.Action.Digest(c.domain, 2), "id": second.Digest(c.domain, 1),
		"body": noop.Digest(c.domain, 1), "control": control.Digest(c.domain, 1),
	}, func(digest codec.Hash) (*signing.KeySigner, ledger.MessageBody) {
		return w.processor, &ledger.SealAction{Domain: c.domain, ActionID: 1, Revision: 1, Seal: w.seal(digest, false)}
	})

	next, pause := control, bridgecontracts.Control{Sequence: 1, Body: &bridgecontracts.Pause{}}
	next.Sequence = 2
	wrong := map[string]codec.Hash{
		"bridge": control.Digest(other.domain, 1), "epoch": control.Digest(c.domain, 2), "sequence": next.Digest(c.domain, 1),
		"kind": pause.Digest(c.domain, 1), "action": r.Action.Digest(c.domain, 1),
	}
	for _, member := range w.approvers[:2] {
		w.outOfContext(t, "vote", control.Digest(c.domain, 1), wrong, func(digest codec.Hash) (*signing.KeySigner, ledger.MessageBody) {
			return member, &ledger.VoteControl{Domain: c.domain, Control: control, Signature: sign(member, digest)}
		})
	}
	w.outOfContext(t, "control seal", control.Digest(c.domain, 1), wrong, func(digest codec.Hash) (*signing.KeySigner, ledger.MessageBody) {
		return w.processor, &ledger.SealControl{Domain: c.domain, Kind: bridgecontracts.KindSetLimit, Sequence: 1, Signature: sign(w.processor, digest)}
	})
}

// outOfContext sends a message with signatures over each wrong digest, and then over the right one.
func (w *world) outOfContext(t *testing.T, kind string, right codec.Hash, wrong map[string]codec.Hash, message func(codec.Hash) (*signing.KeySigner, ledger.MessageBody)) {
	t.Helper()
	for name, digest := range wrong {
		if _, err := w.send(message(digest)); !rejectedFor(err, ledger.CodeCertificate, ledger.CodeUnauthorized) {
			t.Errorf("%s signed for another %s: got %v", kind, name, err)
		}
	}
	for _, k := range signing.Kinds() {
		digest := k.Digest(right)
		if _, err := w.send(message(digest)); !rejectedFor(err, ledger.CodeCertificate, ledger.CodeUnauthorized) {
			t.Errorf("%s signed as %s: got %v", kind, k, err)
		}
	}
	if _, err := w.send(message(right)); err != nil {
		t.Errorf("%s signed as it should be: %v", kind, err)
	}
}

func rejectedFor(err error, codes ...ledger.Code) bool {
	var rejection *ledger.Rejection
	if !errors.As(err, &rejection) {
		return false
	}
	for _, code := range codes {
		if rejection.Code == code {
			return true
		}
	}
	return false
}

// A key link proves itself for one bridge, one wallet and one key.
func TestKeyLinksOutOfContext(t *testing.T) {
	w, err := newWorld(testGenesis())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.send(w.processor, w.attachMessage(one, 1)); err != nil {
		t.Fatal(err)
	}
	c, ann, key := w.bridges[one], wallet("ann"), named("key")
	link := func(domain codec.Hash, owner codec.Hash, public signing.PublicKey) codec.Hash {
		return bridgecontracts.KeyLinkDigest(domain, owner, public)
	}
	for name, digest := range map[string]codec.Hash{
		"bridge":      link(w.bridges[two].domain, ann, key.PublicKey()),
		"wallet":      link(c.domain, wallet("ben"), key.PublicKey()),
		"key":         link(c.domain, ann, named("ben").PublicKey()),
		"transaction": signing.KindTx.Digest(c.domain, ann, codec.Keccak([]byte("x"))),
	} {
		bad := bridgecontracts.KeyProof{Key: key.PublicKey(), Signature: sign(key, digest)}
		if err := c.deposit(ann, wallet("usd 1"), uint256.Int{}, bad); err != nil {
			t.Fatal(err)
		}
		if _, err := w.attest(c); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := w.view().AccountByKey(key.PublicKey()); ok || err != nil {
			t.Fatalf("a proof for another %s linked the key: %v", name, err)
		}
	}
	high := proof(c, ann, key)
	high.Signature = malleate(high.Signature)
	if err := c.deposit(ann, wallet("usd 1"), uint256.Int{}, high, proof(c, ann, key)); err != nil {
		t.Fatal(err)
	}
	log, err := w.attest(c)
	if err != nil || len(log) != 3 || log[0].Body.Name() != "link-ignored" || log[2].Body.Name() != "key-linked" {
		t.Fatalf("%v, %v; want one link ignored for its high s, an account and a link", log, err)
	}
}

// malleate is the other spelling of a signature: n-s in place of s.
func malleate(s signing.Signature) signing.Signature {
	order := uint256.MustFromHex("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
	var low uint256.Int
	low.SetBytes(s[32:64])
	low.Sub(order, &low)
	b := low.Bytes32()
	copy(s[32:64], b[:])
	s[64] ^= 1
	return s
}

// TestTransactionChecks spoils each part of a good transaction.
func TestTransactionChecks(t *testing.T) {
	w, err := newWorld(testGenesis())
	if err != nil {
		t.Fatal(err)
	}
	good := func() *ledger.Transaction { return w.tx(w.processor, &ledger.Tick{}) }
	resign := func(tx *ledger.Transaction) {
		if err := tx.Sign(w.processor); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		spoil func(*ledger.Transaction)
		code  ledger.Code
	}{
		"other app chain": {func(tx *ledger.Transaction) { tx.Genesis[0]++; resign(tx) }, ledger.CodeMalformed},
		"no messages":     {func(tx *ledger.Transaction) { tx.Messages = nil; resign(tx) }, ledger.CodeMalformed},
		"many messages":   {func(tx *ledger.Transaction) { tx.Messages = make([]ledger.Message, 17) }, ledger.CodeMalformed},
		"empty message":   {func(tx *ledger.Transaction) { tx.Messages[0].Body = nil }, ledger.CodeMalformed},
		"too large":       {func(tx *ledger.Transaction) { tx.Messages = large(10); resign(tx) }, ledger.CodeMalformed},
		"large message": {func(tx *ledger.Transaction) {
			tx.Messages = []ledger.Message{{Body: &ledger.AppMessage{Data: make([]byte, ledger.MaxAppData+1)}}}
			resign(tx)
		}, ledger.CodeMalformed},
		"changed":          {func(tx *ledger.Transaction) { tx.Time++ }, ledger.CodeSignature},
		"other key":        {func(tx *ledger.Transaction) { tx.Key = named("ann").PublicKey() }, ledger.CodeSignature},
		"other spelling":   {func(tx *ledger.Transaction) { tx.Signature = malleate(tx.Signature) }, ledger.CodeSignature},
		"nonce used":       {func(tx *ledger.Transaction) { tx.Nonce = 0; resign(tx) }, ledger.CodeNonce},
		"nonce skipped":    {func(tx *ledger.Transaction) { tx.Nonce++; resign(tx) }, ledger.CodeNonce},
		"too old":          {func(tx *ledger.Transaction) { tx.Time -= ledger.MaxSkew + 1; resign(tx) }, ledger.CodeExpired},
		"from the future":  {func(tx *ledger.Transaction) { tx.Time += ledger.MaxSkew + 1; resign(tx) }, ledger.CodeExpired},
		"after its height": {func(tx *ledger.Transaction) { tx.LastHeight = 1; resign(tx) }, ledger.CodeExpired},
	} {
		t.Run(name, func(t *testing.T) {
			if w.header == nil {
				if _, err := w.submit(good()); err != nil {
					t.Fatal(err)
				}
			}
			tx := good()
			c.spoil(tx)
			if _, err := w.submit(tx); !rejectedFor(err, c.code) {
				t.Fatalf("got %v, want %s", err, c.code)
			}
			if _, err := w.submit(good()); err != nil {
				t.Fatalf("as it should be: %v", err)
			}
		})
	}
}

func large(n int) []ledger.Message {
	list := make([]ledger.Message, n)
	for i := range list {
		list[i].Body = &ledger.AppMessage{Data: make([]byte, ledger.MaxAppData)}
	}
	return list
}
