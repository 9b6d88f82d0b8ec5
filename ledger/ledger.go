package ledger

import (
	"errors"
	"fmt"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/merkle"
	"github.com/trinebridge/trine/validators"
)

// Ledger is the state machine of one app chain. It holds nothing but the genesis and
// the app, so any number of goroutines may use it at once.
type Ledger struct {
	genesis Genesis // with defaults
	hash    codec.Hash
	app     App
	// byChain finds the tokens of a chain, ascending by asset; byToken the asset of a token.
	byChain map[string]chainAssets
}

type chainAssets struct {
	chain   Chain
	tokens  []assetToken
	byToken map[codec.Hash]int // index in tokens
}

type assetToken struct {
	id    AssetID
	asset *Asset
	token Token
}

// State is one version of the whole state. It is a value: Apply returns another one.
type State struct{ Framework, App merkle.Map }

// Input is what a block adds to its parent's state.
type Input struct {
	// Height counts from 1; Time is in Unix milliseconds.
	Height uint64
	Time   uint64
	// Parent and ParentTime are the parent's hash and time; for block 1 the genesis's.
	Parent     codec.Hash
	ParentTime uint64
	Tx         CheckedTx
	Loads      []Load
}

// New returns the machine of a genesis, whose faults it reports all at once. app may be
// nil for an app chain without an app.
func New(genesis Genesis, app App) (*Ledger, error) {
	if err := genesis.Validate(); err != nil {
		return nil, err
	}
	if app == nil && len(genesis.App) > 0 {
		return nil, fmt.Errorf("genesis: %d bytes of app genesis, but this app chain has no app", len(genesis.App))
	}
	l := &Ledger{genesis: genesis.defaults(), hash: genesis.Hash(), app: app, byChain: map[string]chainAssets{}}
	for _, chain := range l.genesis.Chains {
		assets := chainAssets{chain: chain, byToken: map[codec.Hash]int{}}
		for i := range l.genesis.Assets {
			asset := &l.genesis.Assets[i]
			if token, ok := asset.TokenOn(chain.ID); ok {
				assets.byToken[token.Address] = len(assets.tokens)
				assets.tokens = append(assets.tokens, assetToken{id: AssetID(i + 1), asset: asset, token: token}) // at most MaxAssets
			}
		}
		l.byChain[chain.ID] = assets
	}
	return l, nil
}

// Genesis returns the genesis with its defaults filled in; callers must not change it.
func (l *Ledger) Genesis() *Genesis { return &l.genesis }

// GenesisHash returns the hash of the genesis as it was given, which names the app chain.
func (l *Ledger) GenesisHash() codec.Hash { return l.hash }

// Init returns the state before block 1.
func (l *Ledger) Init() (State, error) {
	var framework table
	set := l.genesis.Validators
	meta := Meta{Epoch: set.Epoch}
	if err := errors.Join(framework.put(setKey(set.Epoch), &set), framework.put(metaKey(), &meta)); err != nil {
		return State{}, err
	}
	state := State{Framework: framework.m}
	if l.app != nil {
		if err := l.app.Genesis(l.genesis.App, AppState{m: &state.App}); err != nil {
			return State{}, fmt.Errorf("genesis: app: %w", err)
		}
	}
	return state, nil
}

// Apply executes one transaction on a state. A [Rejection] says that the transaction
// does not apply; any other error that the input is no successor of its parent, or that
// a node or record is missing or corrupt. With an error the state comes back as it was.
func (l *Ledger) Apply(s State, in Input) (State, Log, error) {
	m := newMachine(l, s, &in)
	if err := m.run(); err != nil {
		return s, nil, err
	}
	return State{Framework: m.table.m, App: m.app}, m.log, nil
}

// NewHeader returns the header of the block that made next and log out of in. It computes the roots.
func (l *Ledger) NewHeader(in Input, next State, log Log) Header {
	return Header{
		Genesis:       l.hash,
		Height:        in.Height,
		Parent:        in.Parent,
		Time:          in.Time,
		CodeVersion:   l.genesis.CodeVersion,
		TxHash:        in.Tx.Hash(),
		LoadsHash:     LoadsHash(in.Loads),
		LogHash:       log.Hash(),
		FrameworkRoot: next.Framework.Root(),
		AppRoot:       next.App.Root(),
	}
}

// currentSet reads the validator set of the newest epoch.
func currentSet(t *table, epoch uint64) (*validators.Set, error) {
	set := new(validators.Set)
	if err := t.need(setKey(epoch), set); err != nil {
		return nil, err
	}
	return set, nil
}
