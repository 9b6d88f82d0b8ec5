package ledger_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/ledger/exampleapp"
	"github.com/trinebridge/trine/merkle"
	"github.com/trinebridge/trine/signing"
)

// funded is a world in which ann has 1000 USD, and what it takes to make its next block by hand.
func funded(t testing.TB) *world {
	t.Helper()
	w, err := newWorld(testGenesis())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.send(w.processor, w.attachMessage(one, 1)); err != nil {
		t.Fatal(err)
	}
	c := w.bridges[one]
	if err := c.deposit(wallet("ann"), wallet("usd 1"), *uint256.NewInt(1000), proof(c, wallet("ann"), named("ann"))); err != nil {
		t.Fatal(err)
	}
	if _, err := w.attest(c); err != nil {
		t.Fatal(err)
	}
	return w
}

// block makes the next block without applying it.
func (w *world) block(t testing.TB, tx *ledger.Transaction) *ledger.Block {
	t.Helper()
	in, err := w.input(tx)
	if err != nil {
		t.Fatal(err)
	}
	next, log, err := w.ledger.Apply(w.state, in)
	if err != nil {
		t.Fatal(err)
	}
	b := &ledger.Block{Header: w.ledger.NewHeader(in, next, log), Tx: *tx}
	w.signBlock(b, w.processor)
	return b
}

func (w *world) signBlock(b *ledger.Block, key *signing.KeySigner) {
	b.Signature = sign(key, b.Header.Hash())
}

func payment(amount uint64) *ledger.Transfer {
	return &ledger.Transfer{To: named("ben").PublicKey(), Asset: 1, Amount: *uint256.NewInt(amount)}
}

// TestVerifyNamesWhatIsWrong changes one thing of a good block, signed by the processor
// unless it is the signature: a follower refuses it and says which field it is.
func TestVerifyNamesWhatIsWrong(t *testing.T) {
	w := funded(t)
	w.time += 10_000
	for name, c := range map[string]struct {
		spoil func(*ledger.Block)
		by    string
		want  string
	}{
		"genesis":        {spoil: func(b *ledger.Block) { b.Header.Genesis[0]++ }, want: "is of app chain"},
		"height":         {spoil: func(b *ledger.Block) { b.Header.Height++ }, want: "block has height 4, the next one is 3"},
		"parent":         {spoil: func(b *ledger.Block) { b.Header.Parent[0]++ }, want: "parent is 0x"},
		"time back":      {spoil: func(b *ledger.Block) { b.Header.Time = start - 1 }, want: "before its parent's"},
		"time apart":     {spoil: func(b *ledger.Block) { b.Header.Time += ledger.MaxSkew + 1 }, want: "from block time"},
		"code version":   {spoil: func(b *ledger.Block) { b.Header.CodeVersion++ }, want: "code version is 2, want 1"},
		"tx hash":        {spoil: func(b *ledger.Block) { b.Header.TxHash[0]++ }, want: "transaction hash is 0x"},
		"loads hash":     {spoil: func(b *ledger.Block) { b.Header.LoadsHash[0]++ }, want: "loads hash is 0x"},
		"loads":          {spoil: func(b *ledger.Block) { b.Loads = []ledger.Load{{Data: []byte("x")}} }, want: "loads hash is 0x"},
		"log hash":       {spoil: func(b *ledger.Block) { b.Header.LogHash[0]++ }, want: "log hash is 0x"},
		"framework root": {spoil: func(b *ledger.Block) { b.Header.FrameworkRoot[0]++ }, want: "framework root is 0x"},
		"app root":       {spoil: func(b *ledger.Block) { b.Header.AppRoot[0]++ }, want: "app root is 0x"},
		"transaction":    {spoil: func(b *ledger.Block) { b.Tx.Messages = []ledger.Message{{Body: payment(6)}} }, want: "signature is not one by key"},
		"signer":         {spoil: func(*ledger.Block) {}, by: "ann", want: "the processor is"},
		"two at once":    {spoil: func(b *ledger.Block) { b.Header.AppRoot[0]++; b.Header.LogHash[0]++ }, want: "app root is 0x"},
	} {
		t.Run(name, func(t *testing.T) {
			b := w.block(t, w.tx(named("ann"), payment(5)))
			c.spoil(b)
			by := w.processor
			if c.by != "" {
				by = named(c.by)
			}
			w.signBlock(b, by)
			after, _, err := w.replica.Verify(w.copied, w.header, b)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error with %q", err, c.want)
			}
			if after.Framework.Root() != w.copied.Framework.Root() {
				t.Fatal("a refused block changed the state")
			}
		})
	}
	b := w.block(t, w.tx(named("ann"), payment(5)))
	b.Signature = malleate(b.Signature)
	if _, _, err := w.replica.Verify(w.copied, w.header, b); !errors.Is(err, signing.ErrBadSignature) {
		t.Fatalf("another spelling of the signature: %v", err)
	}
	if _, _, err := w.replica.Verify(w.copied, nil, w.block(t, w.tx(named("ann"), payment(5)))); err == nil {
		t.Fatal("block 3 passed for block 1")
	}
	good := w.block(t, w.tx(named("ann"), payment(5)))
	good.Loads = []ledger.Load{{Data: []byte("an answer")}}
	in, err := w.input(&good.Tx)
	if err != nil {
		t.Fatal(err)
	}
	in.Loads = good.Loads
	next, log, err := w.ledger.Apply(w.state, in)
	if err != nil {
		t.Fatal(err)
	}
	good.Header = w.ledger.NewHeader(in, next, log)
	w.signBlock(good, w.processor)
	if _, _, err := w.replica.Verify(w.copied, w.header, good); err != nil {
		t.Fatalf("a good block with a load: %v", err)
	}
}

// Loads that no follower could decode are the maker's fault, not the transaction's.
func TestLoadsAreBounded(t *testing.T) {
	w := funded(t)
	in, err := w.input(w.tx(named("ann"), payment(5)))
	if err != nil {
		t.Fatal(err)
	}
	for name, loads := range map[string][]ledger.Load{
		"many":  make([]ledger.Load, ledger.MaxLoads+1),
		"large": {{Data: make([]byte, ledger.MaxLoadSize+1)}},
	} {
		in.Loads = loads
		_, _, err := w.ledger.Apply(w.state, in)
		var rejection *ledger.Rejection
		if err == nil || errors.As(err, &rejection) {
			t.Fatalf("%s: got %v, want an error that is no rejection", name, err)
		}
	}
}

// holes is a node source that has lost some nodes or bent their bytes.
type holes struct {
	nodes map[codec.Hash][]byte
	lost  codec.Hash
	bent  bool
}

func (h *holes) Node(hash codec.Hash) ([]byte, error) {
	if hash != h.lost {
		return h.nodes[hash], nil
	}
	if h.bent {
		return []byte("something else"), nil
	}
	return nil, merkle.ErrMissing
}

// TestABrokenStoreIsNoRejection loses every node of the state in turn: Apply either works
// without it or reports the node, and never blames the transaction.
func TestABrokenStoreIsNoRejection(t *testing.T) {
	w := funded(t)
	source := &holes{nodes: map[codec.Hash][]byte{}}
	for _, m := range []merkle.Map{w.state.Framework, w.state.App} {
		err := m.Unsaved(func(hash codec.Hash, encoding []byte) error {
			source.nodes[hash] = append([]byte(nil), encoding...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	c := w.bridges[one]
	if err := c.deposit(wallet("cat"), wallet("usd 1"), *uint256.NewInt(1), proof(c, wallet("cat"), named("cat"))); err != nil {
		t.Fatal(err)
	}
	transactions := []*ledger.Transaction{
		w.tx(named("ann"), payment(5)),
		w.tx(named("ann"), &ledger.Withdraw{Chain: one, Asset: 1, To: wallet("ann"), Amount: *uint256.NewInt(100)}),
		w.tx(named("ann"), &ledger.AppMessage{Data: codec.Marshal(&exampleapp.Message{Action: exampleapp.Claim, Name: "ann"})}),
		w.tx(w.processor, w.certificate(c)),
		w.tx(w.processor, &ledger.Tick{}),
	}
	reported := 0
	for lost := range source.nodes {
		for i, tx := range transactions {
			source.lost, source.bent = lost, i%2 == 0
			in, err := w.input(tx)
			if err != nil {
				t.Fatal(err)
			}
			state := ledger.State{Framework: merkle.Open(w.state.Framework.Root(), source), App: merkle.Open(w.state.App.Root(), source)}
			_, _, err = w.ledger.Apply(state, in)
			var rejection *ledger.Rejection
			if errors.As(err, &rejection) {
				t.Fatalf("transaction %d with a broken store: %v", i, err)
			}
			var node *merkle.NodeError
			if errors.As(err, &node) {
				reported++
			}
		}
	}
	if reported < len(source.nodes) {
		t.Fatalf("%d reports of broken nodes, of %d nodes", reported, len(source.nodes))
	}
}

// TestProofs checks what the view proves against the root in the header.
func TestProofs(t *testing.T) {
	w := funded(t)
	root := w.header.FrameworkRoot
	ann, _, err := w.view().AccountByKey(named("ann").PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	proof, err := w.view().ProveAccount(ann.ID)
	if err != nil {
		t.Fatal(err)
	}
	value, ok, err := merkle.VerifyProof(root, ledger.AccountProofKey(ann.ID), proof)
	var proved ledger.Account
	if err != nil || !ok || codec.Unmarshal(value, &proved, merkle.MaxValueSize) != nil || proved.Balances[0].Amount != *uint256.NewInt(1000) {
		t.Fatalf("proved %+v, %t, %v", proved, ok, err)
	}
	owner, err := w.view().ProveOwner(named("ann").PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := merkle.VerifyProof(root, ledger.OwnerProofKey(named("ann").PublicKey()), owner); !ok || err != nil {
		t.Fatalf("owner: %t, %v", ok, err)
	}
	nobody, err := w.view().ProveOwner(named("nobody").PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := merkle.VerifyProof(root, ledger.OwnerProofKey(named("nobody").PublicKey()), nobody); ok || err != nil {
		t.Fatalf("absence: %t, %v", ok, err)
	}
}
