package app

import (
	"context"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/gossip"
)

// network is the gossip host in the app chain's words.
type network struct{ *gossip.Host }

// verdicts translates; both packages name the three verdicts of GossipSub's validators.
var verdicts = map[appchain.Verdict]gossip.Verdict{
	appchain.Accept: gossip.Accept,
	appchain.Ignore: gossip.Ignore,
	appchain.Reject: gossip.Reject,
}

// Subscribe hands every message of a topic to handle until cancel is called.
func (n network) Subscribe(topic string, handle func(ctx context.Context, from string, message []byte) appchain.Verdict) (cancel func(), err error) {
	return n.Host.Subscribe(topic, func(ctx context.Context, from string, message []byte) gossip.Verdict {
		return verdicts[handle(ctx, from, message)]
	})
}

// Serve answers requests until cancel is called.
func (n network) Serve(protocol string, limit int, handle func(ctx context.Context, from string, request []byte) ([]byte, error)) (cancel func(), err error) {
	return n.Host.Serve(protocol, limit, handle)
}
