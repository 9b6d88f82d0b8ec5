package listener

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/codec"
)

// An operator agrees to a bridge right after the daemon came up, while nothing else
// happens on the app chain: the vote must not wait for news from there.
func TestVotesForABridgeThatWasAgreedToWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		config := s.config()
		config.Now = time.Now
		intent := config.Intents[0]
		config.Intents = nil
		l, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		s.external.Mine(3)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		synctest.Wait()
		if err := l.Attach(ctx, intent.Chain, intent.Bridge); err != nil {
			t.Fatal(err)
		}
		time.Sleep(settle + 2*poll)
		synctest.Wait()
		if topics, _ := s.net.take(); len(topics) != 1 || topics[0] != appchain.TopicApprovals {
			t.Errorf("published on %v, want one vote to attach", topics)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A chain has one bridge. An agreement to another, made before that was decided, is moot
// and no fault of the daemon; one made afterwards is refused.
func TestAgreementThatCameToNothing(t *testing.T) {
	s := newScene(t)
	s.attached(0)
	config := s.config()
	other := bridgewatch.Intent{Chain: config.Intents[0].Chain, Bridge: codec.Uint64Word(0xbad)}
	config.Intents = append(config.Intents, other)
	l, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range l.watchers.All() {
		if w.Intent != other {
			continue
		}
		if err := w.round(t.Context(), s.now); err != nil {
			t.Fatal(err)
		}
		if status := w.status; !status.Ready || !strings.Contains(status.Doing, "has nothing to vote for") {
			t.Errorf("status is %+v", status)
		}
	}
	// Both bridges are named as the chain names them.
	late := codec.Uint64Word(0xbad2)
	want := fmt.Sprintf("bridge %s cannot be attached: chain %s has bridge %s already", config.FormatAddress(other.Chain, late), other.Chain, config.FormatAddress(other.Chain, config.Intents[0].Bridge))
	if err := l.Attach(t.Context(), other.Chain, late); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("an agreement afterwards: %v; want %s", err, want)
	}
	if err := l.Attach(t.Context(), config.Intents[0].Chain, config.Intents[0].Bridge); err != nil {
		t.Errorf("an agreement to what is attached: %v", err)
	}
}
