package processor

import (
	"context"
	"fmt"
	"sync"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/gossip/wire"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// voteBook holds approvals of actions that wait and votes for bridges that are not
// attached. It is bounded: an action or bridge has a place only if the state has one for
// it, and a member has one signature in each. It is safe for concurrent use.
type voteBook struct {
	mu      sync.Mutex
	actions map[actionKey]signatures
	attach  map[codec.Hash]*attachVotes // by attach digest
	// news has a signal when there is a new vote.
	news chan struct{}
}

// actionKey names an action at the revision and epoch that its digest stands for.
type actionKey struct {
	domain bridgecontracts.Domain
	id     uint64
	digest codec.Hash
}

// signatures are those of members over one digest. A member holds one seat, so the set
// says for which group each counts.
type signatures map[signing.Address]signing.Signature

// quorum returns a certificate of a group, if there is one.
func (v signatures) quorum(set *validators.Set, g validators.Group) ([]signing.Signature, bool) {
	var tally validators.Tally
	for member, signature := range v {
		if set.Has(g, member) {
			tally.Add(member, signature)
		}
	}
	return tally.Quorum(set, g)
}

// attachVotes are signatures over one attach digest.
type attachVotes struct {
	signatures
	vote wire.AttachVote // without signature
}

func newVoteBook() *voteBook {
	return &voteBook{actions: map[actionKey]signatures{}, attach: map[codec.Hash]*attachVotes{}, news: make(chan struct{}, 1)}
}

func (b *voteBook) signal() {
	select {
	case b.news <- struct{}{}:
	default:
	}
}

// hearVote takes an approval or an attach vote from gossip.
func (p *Processor) hearVote(_ context.Context, from string, message []byte) appchain.Verdict {
	var v wire.Vote
	if err := codec.Unmarshal(message, &v, wire.MaxSmall); err != nil {
		p.Log.Debug("vote refused", "peer", from, "error", err)
		return appchain.Reject
	}
	err := error(nil)
	if v.Approval != nil {
		err = p.addApproval(v.Approval)
	} else {
		err = p.addAttachVote(v.Attach)
	}
	if err != nil {
		p.Log.Debug("vote refused", "peer", from, "error", err)
		return appchain.Ignore
	}
	return appchain.Accept
}

// addApproval counts an approval of an action that waits for it. Only durable blocks
// count: no seal may exist for an action that a crash could make undone.
func (p *Processor) addApproval(a *wire.Approval) error {
	view := p.Node.View()
	record, ok, err := view.Action(a.Domain, a.ActionID)
	if err != nil {
		return err
	}
	if !ok || record.Status != ledger.ActionPending {
		return fmt.Errorf("approval is of action %d of bridge %s, which does not wait for one", a.ActionID, a.Domain)
	}
	newest, err := newestDigest(&record)
	if err != nil {
		return err
	}
	if a.Epoch != newest.Epoch || a.Revision != newest.Revision || a.Digest != newest.Digest {
		return fmt.Errorf("approval of action %d of bridge %s is for epoch %d, revision %d, digest %s; to be approved is epoch %d, revision %d, digest %s",
			a.ActionID, a.Domain, a.Epoch, a.Revision, a.Digest, newest.Epoch, newest.Revision, newest.Digest)
	}
	set, err := view.Validators()
	if err != nil {
		return err
	}
	groups := []validators.Group{validators.Approvers}
	if needsListeners(&record) {
		groups = append(groups, validators.Listeners)
	}
	member, err := signerOf(&set, a.Signature, a.Digest, groups...)
	if err != nil {
		return fmt.Errorf("approval of action %d of bridge %s: %w", a.ActionID, a.Domain, err)
	}
	p.votes.mu.Lock()
	defer p.votes.mu.Unlock()
	key := actionKey{a.Domain, a.ActionID, a.Digest}
	if p.votes.actions[key] == nil {
		p.votes.actions[key] = signatures{}
	}
	p.votes.actions[key][member] = a.Signature
	p.votes.signal()
	return nil
}

// needsListeners reports whether an action needs a listener quorum besides its seal.
func needsListeners(r *ledger.ActionRecord) bool {
	return r.Action.Body.Kind() == bridgecontracts.KindCall
}

// newestDigest returns the digest of an action that is to be approved.
func newestDigest(r *ledger.ActionRecord) (ledger.ActionDigest, error) {
	if len(r.Digests) == 0 {
		return ledger.ActionDigest{}, fmt.Errorf("action %d of bridge %s has no digest", r.Action.ID, r.Domain)
	}
	return r.Digests[len(r.Digests)-1], nil
}

// signerOf returns who signed the digest, if the signer sits in one of the groups.
func signerOf(set *validators.Set, signature signing.Signature, digest codec.Hash, groups ...validators.Group) (signing.Address, error) {
	member, err := signature.RecoverAddress(digest)
	if err != nil {
		return member, err
	}
	for _, g := range groups {
		if set.Has(g, member) {
			return member, nil
		}
	}
	return member, fmt.Errorf("%s has no seat among those who sign this", member)
}

// addAttachVote counts a vote for a bridge on a chain that has none. A member that votes for
// another bridge of the chain takes its earlier vote back.
func (p *Processor) addAttachVote(v *wire.AttachVote) error {
	genesis := p.Node.Genesis()
	if _, known := p.ledger.Genesis().Chain(v.Chain); !known {
		return fmt.Errorf("attach vote is for a bridge on chain %q, which is not in the genesis", v.Chain)
	}
	view := p.Node.View()
	bridges, err := view.Bridges()
	if err != nil {
		return err
	}
	for i := range bridges {
		if bridges[i].Chain == v.Chain {
			return fmt.Errorf("attach vote is for a bridge on chain %s, which has one, %s", v.Chain, bridges[i].Address)
		}
	}
	set, err := view.Validators()
	if err != nil {
		return err
	}
	digest := v.Digest(genesis)
	member, err := signerOf(&set, v.Signature, digest, validators.Listeners, validators.Approvers)
	if err != nil {
		return fmt.Errorf("attach vote for bridge %s on %s: %w", v.Bridge, v.Chain, err)
	}
	p.votes.mu.Lock()
	defer p.votes.mu.Unlock()
	p.votes.retract(member, v.Chain, digest)
	votes := p.votes.attach[digest]
	if votes == nil {
		vote := *v
		vote.Signature = signing.Signature{}
		votes = &attachVotes{signatures: signatures{}, vote: vote}
		p.votes.attach[digest] = votes
	}
	votes.signatures[member] = v.Signature
	p.votes.signal()
	return nil
}

// retract removes a member's votes for other bridges of a chain.
func (b *voteBook) retract(member signing.Address, chain string, keep codec.Hash) {
	for digest, votes := range b.attach {
		if digest == keep || votes.vote.Chain != chain {
			continue
		}
		delete(votes.signatures, member)
		if len(votes.signatures) == 0 {
			delete(b.attach, digest)
		}
	}
}
