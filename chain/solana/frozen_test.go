package solana

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	sol "github.com/gagliardetto/solana-go"

	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/internal/rpctest"
)

// settleBlocks is how many blocks a block has on top when it is surely finalized.
const settleBlocks = 36

// several blocks are mined where heads that are not final are looked at.
const several = 8

// stopped shows a running node as one whose blocks come when told: heads and heights stand still between
// calls of mine, and what is sent waits until then. Everything else is the node's own.
type stopped struct {
	node *node // direct

	mu                 sync.Mutex
	tip, final, height uint64
	held               map[string][]byte // transactions that wait, by id
	order              []string
}

func newStopped(n *node) *stopped { return &stopped{node: n, held: map[string][]byte{}} }

// handle answers a request as of the moment at which time stands.
func (s *stopped) handle(x *rpctest.Exchange) {
	s.mu.Lock()
	tip, final, height := s.tip, s.final, s.height
	s.mu.Unlock()
	switch x.Method {
	case "getSlot":
		slot := tip
		if commitmentOf(x.Params[0]) == finalized {
			slot = final
		}
		x.Reply(rpctest.Response{Result: json.RawMessage(fmt.Sprint(slot))})
	case "getEpochInfo":
		x.Reply(rpctest.Response{Result: json.RawMessage(fmt.Sprintf(`{"absoluteSlot":%d,"blockHeight":%d}`, tip, height))})
	case "sendTransaction":
		s.hold(x)
	default:
		x.Pass()
	}
}

func commitmentOf(raw json.RawMessage) string {
	var options struct{ Commitment string }
	if json.Unmarshal(raw, &options) != nil {
		return ""
	}
	return options.Commitment
}

// parseTransaction reads what was sent.
func parseTransaction(raw []byte) (sol.Signature, *sol.Transaction, error) {
	tx, err := sol.TransactionFromBytes(raw)
	if err != nil || len(tx.Signatures) == 0 {
		return sol.Signature{}, nil, fmt.Errorf("no signed transaction: %w", err)
	}
	return tx.Signatures[0], tx, nil
}

// hold keeps a transaction for the next block, unless the node would refuse it.
func (s *stopped) hold(x *rpctest.Exchange) {
	var text string
	if json.Unmarshal(x.Params[0], &text) != nil {
		x.Pass()
		return
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		x.Pass()
		return
	}
	signature, _, err := parseTransaction(raw)
	if err != nil {
		x.Pass()
		return
	}
	var answer struct {
		Value struct {
			Err json.RawMessage `json:"err"`
		} `json:"value"`
	}
	err = s.node.call(x.Request.Context(), &answer, "simulateTransaction", text, map[string]any{"encoding": "base64", "commitment": confirmed, "sigVerify": true})
	if err != nil || len(answer.Value.Err) > 0 && string(answer.Value.Err) != "null" {
		x.Pass() // the node says why
		return
	}
	id := signature.String()
	s.mu.Lock()
	if _, waits := s.held[id]; !waits {
		s.held[id] = raw
		s.order = append(s.order, id)
	}
	s.mu.Unlock()
	x.Reply(rpctest.Response{Result: json.RawMessage(fmt.Sprintf("%q", id))})
}

// mine lets the node go on for n blocks, of which the first takes in what waits.
func (s *stopped) mine(ctx context.Context, n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.order {
		if err := s.submit(ctx, s.held[id]); err != nil {
			return err
		}
	}
	for _, id := range s.order {
		if err := s.landed(ctx, id); err != nil {
			return err
		}
	}
	s.held, s.order = map[string][]byte{}, nil
	var from, height uint64
	if err := s.until(ctx, func() (ok bool, err error) { from, height, err = s.node.height(ctx); return err == nil, err }); err != nil {
		return err
	}
	return s.until(ctx, func() (bool, error) {
		tip, now, err := s.node.height(ctx)
		if err != nil || now < height+uint64(n) || tip <= s.tip {
			return false, err
		}
		final, err := s.node.slot(ctx, finalized)
		if err != nil || n >= settleBlocks && final < from {
			return false, err
		}
		if n >= several && n < settleBlocks {
			if regular, err := s.regular(ctx, tip); err != nil || !regular {
				return false, err
			}
		}
		s.tip, s.final, s.height = tip, final, now
		return true, nil
	})
}

// submit hands in what the node has tried before already. It lands even if it fails now: what it was held for may have come.
func (s *stopped) submit(ctx context.Context, raw []byte) error {
	var id string
	return s.node.call(ctx, &id, "sendTransaction", base64.StdEncoding.EncodeToString(raw), map[string]any{"encoding": "base64", "skipPreflight": true})
}

// regular reports whether the newest four slots have blocks, and the oldest of them is older than the newest but one by the
// clock: so that heads with few confirmations are as far apart as on a chain that skips nothing. It takes a second or so, and
// where heads are finalized ones nobody looks at it.
func (s *stopped) regular(ctx context.Context, tip uint64) (bool, error) {
	var times [4]uint64
	for i := range times {
		block, err := s.node.blockAt(ctx, tip-3+uint64(i))
		if err != nil {
			return false, nil // skipped, or not there yet
		}
		times[i] = block.Time
	}
	return times[2] > times[0], nil
}

// landed waits until a transaction is in a confirmed block.
func (s *stopped) landed(ctx context.Context, id string) error {
	return s.until(ctx, func() (bool, error) {
		list, err := s.node.statuses(ctx, 0, id)
		return err == nil && list[0].landed(), err
	})
}

// until asks again until something is so. A machine that is busy enough makes a node miss a request's own deadline: only
// the caller's counts.
func (s *stopped) until(ctx context.Context, is func() (bool, error)) error {
	ticker := time.NewTicker(15 * time.Millisecond)
	defer ticker.Stop()
	for {
		done, err := is()
		if done || err != nil && chain.VerdictOf(err) != chain.Retry {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-ticker.C:
		}
	}
}
