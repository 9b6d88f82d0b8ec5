package approver

import (
	"context"
	"errors"
	"fmt"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/ledger"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/validators"
)

// View is what an approver reads of one state of the app chain.
type View interface {
	Validators() (validators.Set, error)
	ValidatorsAt(epoch uint64) (validators.Set, bool, error)
	Bridges() ([]ledger.Bridge, error)
	Bridge(domain bridgecontracts.Domain) (ledger.Bridge, bool, error)
	Action(domain bridgecontracts.Domain, id uint64) (ledger.ActionRecord, bool, error)
	Withdrawal(domain bridgecontracts.Domain, sequence uint64) (ledger.WithdrawalRecord, bool, error)
	AccountByKey(public signing.PublicKey) (ledger.Account, bool, error)
	CheckVote(domain bridgecontracts.Domain, control *bridgecontracts.Control, member signing.Address) error
}

// Publisher gossips.
type Publisher interface {
	Publish(ctx context.Context, topic string, message []byte) error
}

// Observer gets typed events; any of its functions may be nil. They must return quickly.
type Observer struct {
	// Approved follows each new approval.
	Approved func(domain bridgecontracts.Domain, actionID uint64)
	// Refused follows when an action is refused for another reason than before: an alert.
	Refused func(Decision)
	// Failed follows each look at a chain that failed.
	Failed func(domain bridgecontracts.Domain, err error)
}

// Config is what an approver is made of.
type Config struct {
	// Member is what it has in common with a listener. Its chains are every one that has a bridge.
	bridgewatch.Member
	// Assets are the genesis's, in their order.
	Assets []ledger.Asset
	// Limits are this approver's own, besides the contract's.
	Limits []Limit
	// View is the node's newest state.
	View     func() View
	Network  Publisher
	Observer Observer
}

// Validate reports every fault at once.
func (c *Config) Validate() error {
	faults := []error{c.Member.Validate()}
	if c.View == nil {
		faults = append(faults, errors.New("no state of an app chain node is given"))
	}
	if c.Network == nil {
		faults = append(faults, errors.New("no gossip network is given"))
	}
	for i := range c.Limits {
		faults = append(faults, c.Limits[i].validate(c.Assets))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("approver: configuration: %w", err)
	}
	return nil
}
