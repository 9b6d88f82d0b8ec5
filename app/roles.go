package app

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/trinebridge/trine/api"
	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/listener"
	"github.com/trinebridge/trine/processor"
	"github.com/trinebridge/trine/store"
)

// openRole adds what a role runs; a new role is a new line.
func (d *daemon) openRole(ctx context.Context) error {
	open, known := map[Role]func(context.Context) error{
		RoleProcessor: d.openProcessor,
		RoleListener:  d.openListener,
		RoleApprover:  d.openApprover,
		RoleSubmitter: d.openSubmitter,
		RoleNode:      d.openFollower,
	}[d.config.Role]
	if !known {
		return fmt.Errorf("role %q is unknown", d.config.Role)
	}
	return open(ctx)
}

// maxLag is how many blocks a ready daemon may be behind.
const maxLag = 64

// openFollower follows the app chain that the processor makes.
func (d *daemon) openFollower(context.Context) error {
	follower, err := appchain.NewFollower(appchain.FollowerConfig{Node: d.node, Network: d.net, Log: d.log})
	if err != nil {
		return err
	}
	d.submit = follower.Submit
	d.parts = append(d.parts, part{name: "follower", run: follower.Run})
	d.status = append(d.status, func() []api.Part {
		lag, peers := follower.Lag(), len(d.host.Connected())
		p := api.Part{Name: "follower", Ready: lag <= maxLag && peers > 0, Detail: fmt.Sprintf("at block %d, %d behind the newest one heard of, %d peers", d.node.Height(), lag, peers)}
		if peers == 0 {
			p.Error = "no peer is connected; see gossip.peers"
		}
		return []api.Part{p}
	})
	return nil
}

// openAcks has a member acknowledge blocks, and keeps book of what all members acknowledge.
func (d *daemon) openAcks() (*appchain.AckBook, error) {
	book := appchain.NewAckBook(d.node, d.net, d.log)
	d.parts = append(d.parts, part{name: "acknowledgements", run: book.Run})
	if d.config.DryRun {
		return book, nil
	}
	acknowledger, err := appchain.NewAcknowledger(appchain.AcknowledgerConfig{Node: d.node, Network: d.net, Guard: d.guard, Book: book, Log: d.log})
	if err != nil {
		return nil, err
	}
	d.parts = append(d.parts, part{name: "acknowledger", run: acknowledger.Run})
	return book, nil
}

// member is what listeners and approvers are made of alike.
func (d *daemon) member(attach []bridgewatch.Intent, book *appchain.AckBook, folder string) bridgewatch.Member {
	return bridgewatch.Member{
		Genesis: d.node.Genesis(), Chains: watches(d.chains), FormatAddress: FormatAddress, Intents: attach, Signer: d.guard,
		Changed: d.node.Changed, Compromised: d.node.Compromised, Acknowledgements: book,
		Submit: d.submit, Store: store.Sub(d.store, folder), DryRun: d.config.DryRun, Log: d.log,
	}
}

// processorGCPercent trades memory for speed: a processor makes much short-lived garbage on
// top of a state of a few hundred megabytes. Measured: 18 µs of processor time less per block.
const processorGCPercent = 400

func (d *daemon) openProcessor(context.Context) error {
	set, err := d.node.View().Validators()
	if err != nil {
		return err
	}
	if address := d.signer.PublicKey().Address(); address != set.Processor {
		return fmt.Errorf("key %s is not the processor's of epoch %d, which is %s", address, set.Epoch, set.Processor)
	}
	p, err := processor.New(processor.Config{
		Node: d.node, Network: d.net, Signer: d.signer, Guard: d.guard, Log: d.log, Hooks: d.metrics.processor(),
		UnsafeAllowBehind: d.config.UnsafeAllowBehind,
	})
	if err != nil {
		return err
	}
	d.submit = p.Submit
	debug.SetGCPercent(processorGCPercent)
	// A processor whose store fails must not go on from memory: it ends, and what is
	// durable is what the next start begins with.
	d.parts = append(d.parts, part{name: "processor", run: p.Run, once: true})
	d.status = append(d.status, func() []api.Part {
		s := p.Status()
		if !s.Producing {
			return []api.Part{{Name: "processor", Detail: s.RollCall.String(), Error: "the members are asked where the chain stands; no blocks are made before a quorum has answered"}}
		}
		return []api.Part{{Name: "processor", Ready: true, Detail: fmt.Sprintf("at block %d, %d transactions wait, %d blocks in %d syncs, %d dropped, %d refused",
			s.Height, s.Waiting, s.Blocks, s.Syncs, s.Dropped, s.Refused)}}
	})
	return nil
}

// seat says whether the key has a part in what the daemon does. Without one everything
// else may look well, and nothing that is signed counts.
func (d *daemon) seat() []api.Part {
	p := api.Part{Name: "seat"}
	set, err := d.node.View().Validators()
	address, group := d.signer.PublicKey().Address(), groups[d.config.Role]
	switch {
	case err != nil:
		p.Error = err.Error()
	case !set.Has(group, address):
		p.Error = fmt.Sprintf("key %s is of no %s in epoch %d: what it signs counts for nothing; compare key with trine validators", address, d.config.Role, set.Epoch)
	default:
		p.Ready, p.Detail = true, fmt.Sprintf("%s is %s in epoch %d", address, d.config.Role.WithArticle(), set.Epoch)
	}
	return []api.Part{p}
}

func (d *daemon) openListener(ctx context.Context) error {
	if err := d.openFollower(ctx); err != nil {
		return err
	}
	book, err := d.openAcks()
	if err != nil {
		return err
	}
	attach, err := intents(d.chains)
	if err != nil {
		return err
	}
	l, err := listener.New(listener.Config{
		Member: d.member(attach, book, "listener/"),
		View:   func() listener.View { return d.node.View() }, Height: d.node.Height, Network: d.net,
	})
	if err != nil {
		return err
	}
	d.server.Attach, d.server.VoteControl, d.server.ChainTx = l.Attach, l.VoteControl, l.ChainTx
	d.parts = append(d.parts, part{name: "listener", run: l.Run})
	d.status = append(d.status, d.seat, func() []api.Part {
		var parts []api.Part
		for _, s := range l.Status() {
			parts = append(parts, api.Part{Name: "listener " + s.Chain, Ready: s.Ready, Detail: s.Doing, Error: s.Error})
		}
		return parts
	})
	return nil
}
