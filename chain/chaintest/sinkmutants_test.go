package chaintest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/trinebridge/trine/chain"
)

// sinkMutant is a good sink with some methods replaced by bad ones.
type sinkMutant struct {
	chain.Sink
	sender    func(context.Context) (chain.Sender, error)
	build     func(context.Context, chain.BuildRequest) (chain.Draft, error)
	broadcast func(context.Context, chain.Attempt) error
	status    func(context.Context, []chain.Attempt, chain.Finality) (chain.Status, bool, error)
	outcome   func(context.Context, *chain.Delivery, chain.Finality) (chain.Outcome, error)
}

func (m *sinkMutant) Sender(ctx context.Context) (chain.Sender, error) {
	if m.sender != nil {
		return m.sender(ctx)
	}
	return m.Sink.Sender(ctx)
}

func (m *sinkMutant) Build(ctx context.Context, r chain.BuildRequest) (chain.Draft, error) {
	if m.build != nil {
		return m.build(ctx, r)
	}
	return m.Sink.Build(ctx, r)
}

func (m *sinkMutant) Broadcast(ctx context.Context, a chain.Attempt) error {
	if m.broadcast != nil {
		return m.broadcast(ctx, a)
	}
	return m.Sink.Broadcast(ctx, a)
}

func (m *sinkMutant) Status(ctx context.Context, a []chain.Attempt, f chain.Finality) (chain.Status, bool, error) {
	if m.status != nil {
		return m.status(ctx, a, f)
	}
	return m.Sink.Status(ctx, a, f)
}

func (m *sinkMutant) Outcome(ctx context.Context, d *chain.Delivery, f chain.Finality) (chain.Outcome, error) {
	if m.outcome != nil {
		return m.outcome(ctx, d, f)
	}
	return m.Sink.Outcome(ctx, d, f)
}

var sinkMutants = map[string]func(m *sinkMutant){
	"calls what is included final": func(m *sinkMutant) {
		m.status = func(ctx context.Context, a []chain.Attempt, f chain.Finality) (chain.Status, bool, error) {
			s, expired, err := m.Sink.Status(ctx, a, f)
			if s.Phase == chain.PhaseIncluded {
				s.Phase = chain.PhaseFinal
			}
			return s, expired, err
		}
	},
	"looks at the first attempt only": func(m *sinkMutant) {
		m.status = func(ctx context.Context, a []chain.Attempt, f chain.Finality) (chain.Status, bool, error) {
			return m.Sink.Status(ctx, a[:1], f)
		}
	},
	"does not see failures": func(m *sinkMutant) {
		m.status = func(ctx context.Context, a []chain.Attempt, f chain.Finality) (chain.Status, bool, error) {
			s, expired, err := m.Sink.Status(ctx, a, f)
			s.Failed, s.Reason = false, ""
			return s, expired, err
		}
	},
	"takes what is unknown for expired": func(m *sinkMutant) {
		m.status = func(ctx context.Context, a []chain.Attempt, f chain.Finality) (chain.Status, bool, error) {
			s, expired, err := m.Sink.Status(ctx, a, f)
			return s, expired || s.Phase == chain.PhaseUnknown, err
		}
	},
	"never expires": func(m *sinkMutant) {
		m.status = func(ctx context.Context, a []chain.Attempt, f chain.Finality) (chain.Status, bool, error) {
			s, _, err := m.Sink.Status(ctx, a, f)
			return s, false, err
		}
	},
	"replaces at the same price": func(m *sinkMutant) {
		m.build = func(ctx context.Context, r chain.BuildRequest) (chain.Draft, error) {
			r.Replaces = nil
			return m.Sink.Build(ctx, r)
		}
	},
	"raises the fee and not the tip": func(m *sinkMutant) {
		m.build = func(ctx context.Context, r chain.BuildRequest) (chain.Draft, error) {
			d, err := m.Sink.Build(ctx, r)
			if unsigned, ok := d.Unsigned.(*record); ok && r.Replaces != nil {
				unsigned.Tip = r.Replaces.Tip
			}
			return d, err
		}
	},
	"ignores the caps": func(m *sinkMutant) {
		m.build = func(ctx context.Context, r chain.BuildRequest) (chain.Draft, error) {
			r.Caps.MaxFeePerGas.SetAllOne()
			return m.Sink.Build(ctx, r)
		}
	},
	"builds without estimating": func(m *sinkMutant) {
		m.build = func(ctx context.Context, r chain.BuildRequest) (chain.Draft, error) {
			d, err := m.Sink.Build(ctx, r)
			if chain.VerdictOf(err) == chain.Done {
				return d, nil
			}
			return d, err
		}
	},
	"fills a gap with nothing": func(m *sinkMutant) {
		m.build = func(ctx context.Context, r chain.BuildRequest) (chain.Draft, error) {
			d, err := m.Sink.Build(ctx, r)
			if unsigned, ok := d.Unsigned.(*record); ok && r.Delivery == nil {
				unsigned.Nonce++
			}
			return d, err
		}
	},
	"treats a known attempt as an error": func(m *sinkMutant) {
		sent := map[string]bool{}
		m.broadcast = func(ctx context.Context, a chain.Attempt) error {
			if sent[a.ID] {
				return errors.New("already known")
			}
			sent[a.ID] = true
			return m.Sink.Broadcast(ctx, a)
		}
	},
	"does not send": func(m *sinkMutant) {
		m.broadcast = func(context.Context, chain.Attempt) error { return nil }
	},
	"gives no advice": func(m *sinkMutant) {
		m.broadcast = func(ctx context.Context, a chain.Attempt) error {
			if err := m.Sink.Broadcast(ctx, a); err != nil {
				return errors.New(err.Error())
			}
			return nil
		}
	},
	"reads the outcome at the newest block": func(m *sinkMutant) {
		m.outcome = func(ctx context.Context, d *chain.Delivery, f chain.Finality) (chain.Outcome, error) {
			o, err := m.Sink.Outcome(ctx, d, f)
			return chain.Outcome{Done: o.Done, Final: o.Done}, err
		}
	},
	"counts the pool as mined": func(m *sinkMutant) {
		m.sender = func(ctx context.Context) (chain.Sender, error) {
			s, err := m.Sink.Sender(ctx)
			s.Next = s.Pending
			return s, err
		}
	},
}

func TestSuiteCatchesEverySinkMutant(t *testing.T) {
	for name, mutate := range sinkMutants {
		t.Run(name, func(t *testing.T) {
			caught := failing(t, SinkCases(), func() SinkWorld {
				w := newScripted(0)
				w.sink = func(s chain.Sink) chain.Sink {
					m := &sinkMutant{Sink: s}
					mutate(m)
					return m
				}
				return w
			})
			if len(caught) == 0 {
				t.Fatal("no case of the suite fails")
			}
			t.Logf("caught by: %s", strings.Join(caught, "; "))
		})
	}
}
