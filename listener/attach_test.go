package listener

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trinebridge/trine/appchain"
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
