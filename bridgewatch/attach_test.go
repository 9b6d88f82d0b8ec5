package bridgewatch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/chaintest"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/validators"
)

func (s *scene) expectation() Expectation {
	return Expectation{
		Genesis: s.chain.Genesis(), Chain: s.chain.ChainID(), Bridge: s.chain.Bridge(),
		CodeHash: chaintest.CodeHash, Set: validators.Set{Epoch: 1},
	}
}

func TestAttachVote(t *testing.T) {
	s := newScene(t)
	s.deposits(2)
	vote, err := s.reader.AttachVote(context.Background(), s.expectation())
	if err != nil {
		t.Fatal(err)
	}
	set := validators.Set{Epoch: 1}
	if vote.CodeHash != chaintest.CodeHash || vote.SetHash != set.Hash() || vote.Sequence != 1 || vote.Chain != s.chain.ChainID() || vote.Bridge != s.chain.Bridge() {
		t.Errorf("vote %+v", vote)
	}
	key, err := signing.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	signer := signing.NewKeySigner(key)
	if err := SignAttach(context.Background(), signer, s.chain.Genesis(), &vote); err != nil {
		t.Fatal(err)
	}
	if who, err := vote.Signature.RecoverAddress(vote.Digest(s.chain.Genesis())); err != nil || who != signer.Address() {
		t.Errorf("signed by %s, %v", who, err)
	}
}

func TestNotTheBridge(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(s *scene, e *Expectation)
		want  string
	}{
		{"other code", func(_ *scene, e *Expectation) { e.CodeHash = codec.Hash{9} }, "code hash"},
		{"other set", func(_ *scene, e *Expectation) { e.Set.Epoch = 2 }, "validator set"},
		{"other app chain", func(_ *scene, e *Expectation) { e.Genesis = codec.Hash{9} }, "domain"},
		{"other address", func(_ *scene, e *Expectation) { e.Bridge = codec.Hash{9} }, "domain"},
		{"events without a head", func(s *scene, _ *Expectation) {
			s.reader.source = torn{s.endpoint.Source()}
		}, "shows event"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.deposits(2)
			e := s.expectation()
			c.spoil(s, &e)
			_, err := s.reader.AttachVote(context.Background(), e)
			if !errors.Is(err, ErrNotTheBridge) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one about %q", err, c.want)
			}
		})
	}
}

// What was sealed before a bridge was attached was sealed by others, whatever set it holds now.
func TestUsedBeforeItWasAttached(t *testing.T) {
	for name, c := range map[string]struct {
		event bridgecontracts.EventBody
		bad   bool
	}{
		"an action": {&bridgecontracts.ActionExecuted{ActionID: 1}, true},
		"a limit":   {&bridgecontracts.LimitSet{Sequence: 1, Token: token}, true},
		"a claim":   {&bridgecontracts.Claimed{Token: token, Recipient: wallet}, true},
		"a pause":   {&bridgecontracts.Paused{Sequence: 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.deposits(300)
			s.chain.Emit(c.event)
			s.deposits(1)
			_, err := s.reader.AttachVote(t.Context(), s.expectation())
			if c.bad != errors.Is(err, ErrNotTheBridge) || c.bad && !strings.Contains(err.Error(), "event 301") {
				t.Errorf("error %v", err)
			}
			if !c.bad && err != nil {
				t.Errorf("error %v, want a vote", err)
			}
		})
	}
}

// torn is a source whose snapshot belongs to another moment than its counters.
type torn struct{ *chaintest.Source }

func (s torn) Snapshot(ctx context.Context, at chain.Block, tokens []codec.Hash) (chain.Snapshot, error) {
	snapshot, err := s.Source.Snapshot(ctx, at, tokens)
	snapshot.EventID++
	return snapshot, err
}

func TestUnreachableIsNotWrong(t *testing.T) {
	s := newScene(t)
	s.deposits(1)
	s.endpoint.Spoil(chaintest.Down)
	if _, err := s.reader.AttachVote(context.Background(), s.expectation()); err == nil || errors.Is(err, ErrNotTheBridge) {
		t.Errorf("error %v; a dead endpoint says nothing about the bridge", err)
	}
}

func TestIntents(t *testing.T) {
	s := newScene(t)
	ctx := context.Background()
	intents := OpenIntents(store.Sub(s.kv, "intents/"))
	a, b := Intent{"eip155:1", codec.Hash{1}}, Intent{"eip155:10", codec.Hash{2}}
	for _, intent := range []Intent{a, b, a} {
		if err := intents.Add(ctx, intent); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := intents.All(); err != nil || !slices.Equal(all, []Intent{a, b}) {
		t.Errorf("intents %v, %v", all, err)
	}
	for _, bad := range []Intent{{"", codec.Hash{1}}, {"eip155", codec.Hash{1}}, {"eip155:1", codec.Hash{}}} {
		if err := intents.Add(ctx, bad); err == nil {
			t.Errorf("intent %v was accepted", bad)
		}
	}
}
