package quorum

import (
	"context"
	"fmt"
	"testing"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// holder is an endpoint that says what a bridge holds, and nothing else.
type holder struct {
	chain.Source
	held, level uint64
}

func (h holder) Snapshot(_ context.Context, _ chain.Block, tokens []codec.Hash) (chain.Snapshot, error) {
	out := chain.Snapshot{}
	for _, t := range tokens {
		out.Tokens = append(out.Tokens, chain.TokenState{Token: t, Held: *uint256.NewInt(h.held), Level: *uint256.NewInt(h.level)})
	}
	return out, nil
}

// Endpoints that read at different moments see different balances when somebody sends the bridge a little in each.
func TestWhatIsHeldIsWhatAQuorumVouchesFor(t *testing.T) {
	for _, c := range []struct {
		endpoints []holder
		want      uint64
		agreed    bool
	}{
		{[]holder{{held: 7}, {held: 7}, {held: 7}}, 7, true},
		{[]holder{{held: 7}, {held: 9}}, 7, true},
		{[]holder{{held: 1 << 60}, {held: 7}}, 7, true},
		{[]holder{{held: 0}, {held: 7, level: 1}, {held: 9, level: 1}}, 7, true},
		{[]holder{{held: 7}, {held: 7, level: 1}}, 0, false},
	} {
		t.Run(fmt.Sprint(c.endpoints), func(t *testing.T) {
			config := Config{Quorum: 2}
			for i, h := range c.endpoints {
				config.Endpoints = append(config.Endpoints, Endpoint{Name: fmt.Sprint(i), Source: h})
			}
			q, err := New(config)
			if err != nil {
				t.Fatal(err)
			}
			s, err := q.Snapshot(t.Context(), chain.Block{}, []codec.Hash{{1}, {2}})
			if (err == nil) != c.agreed {
				t.Fatal(err)
			}
			for i := range s.Tokens {
				if got := &s.Tokens[i].Held; !got.Eq(uint256.NewInt(c.want)) {
					t.Errorf("%s are held, want %d", got.Dec(), c.want)
				}
			}
		})
	}
}
