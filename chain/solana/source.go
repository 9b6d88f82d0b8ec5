package solana

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	contract "github.com/trinebridge/trine/bridgecontracts/solana"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
)

// Source reads a bridge through one endpoint.
type Source struct {
	node    *node
	config  chain.SourceConfig
	bridge  contract.Key // the state account
	program atomic.Pointer[contract.Program]
	trail   trail
	proven  atomic.Bool // the program's code is the first it had
}

var _ chain.Source = (*Source)(nil)

// OpenSource checks the configuration; the endpoint is first asked on first use.
func OpenSource(config chain.SourceConfig) (*Source, error) {
	n, err := openNode(config.ChainID, config.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("solana: %w", err)
	}
	if config.Bridge.IsZero() {
		return nil, fmt.Errorf("solana: no bridge is named on %s", config.ChainID)
	}
	return &Source{node: n, config: config, bridge: contract.Key(config.Bridge)}, nil
}

// domain is the bridge's, computed from the configuration.
func (s *Source) domain() bridgecontracts.Domain {
	return bridgecontracts.NewDomain(s.config.Genesis, s.config.ChainID, s.config.Bridge)
}

// Head implements chain.Source.
func (s *Source) Head(ctx context.Context, f chain.Finality) (chain.Block, error) {
	return s.node.head(ctx, f)
}

// maxSkipped is how many slots in a row may be without a block before the adapter gives up.
const maxSkipped = 64

// settled returns the number of the newest settled slot, or ErrAbsent.
func (n *node) settled(ctx context.Context, f chain.Finality) (uint64, error) {
	commitment := finalized
	if f.Confirmations > 0 {
		commitment = confirmed
	}
	newest, err := n.slot(ctx, commitment)
	if err != nil {
		return 0, err
	}
	if newest <= f.Confirmations {
		return 0, chain.ErrAbsent
	}
	return newest - f.Confirmations, nil
}

// head returns the block of the newest settled slot, or of the nearest before it that has one. Of a slot that was skipped, a
// node says so only once a later one is final; before that, it says that it has no block.
func (n *node) head(ctx context.Context, f chain.Finality) (chain.Block, error) {
	newest, err := n.settled(ctx, f)
	if err != nil {
		return chain.Block{}, err
	}
	for slot := newest; slot > 0 && newest-slot < maxSkipped; slot-- {
		block, err := n.header(ctx, slot)
		if !errors.Is(err, errSkipped) && !errors.Is(err, errNoBlock) {
			return block, err
		}
	}
	return chain.Block{}, n.wrap("getBlock", chain.Errorf(chain.Retry, "no block in the %d slots up to %d", maxSkipped, newest))
}

// BlockAt implements chain.Source.
func (s *Source) BlockAt(ctx context.Context, number uint64) (chain.Block, error) {
	return s.node.blockAt(ctx, number)
}

// blockAt returns the block of a slot. A slot that was skipped, or that the node has not
// reached, is proven absent; a block that the node has thrown away is not.
func (n *node) blockAt(ctx context.Context, number uint64) (chain.Block, error) {
	block, err := n.header(ctx, number)
	switch {
	case errors.Is(err, errSkipped):
		var first uint64
		if err := n.call(ctx, &first, "getFirstAvailableBlock"); err != nil {
			return chain.Block{}, err
		}
		if number >= first {
			return chain.Block{}, chain.ErrAbsent
		}
	case errors.Is(err, errNoBlock):
		newest, err := n.slot(ctx, confirmed)
		if err != nil {
			return chain.Block{}, err
		}
		if number > newest {
			return chain.Block{}, chain.ErrAbsent
		}
	}
	return block, err
}

// canonical checks that a block is on the endpoint's confirmed chain.
func (n *node) canonical(ctx context.Context, at chain.Block) error {
	now, err := n.header(ctx, at.Number)
	switch {
	case errors.Is(err, errSkipped):
		return n.wrap("pin", chain.Errorf(chain.Rewind, "block %s is not there any more: the slot counts as skipped", at))
	case err != nil:
		return err
	case now.Hash != at.Hash:
		return n.wrap("pin", chain.Errorf(chain.Rewind, "block %s is not canonical any more, %s is", at, now))
	}
	return nil
}

// known returns the program whose bridge this is. The state account's owner says which; that it
// does not lie shows in the address, which is derived from the program's.
func (s *Source) known(ctx context.Context) (contract.Program, error) {
	if p := s.program.Load(); p != nil {
		return *p, nil
	}
	_, accounts, err := s.node.accounts(ctx, confirmed, 0, s.bridge)
	if err != nil {
		return contract.Program{}, err
	}
	if accounts[0] == nil {
		return contract.Program{}, s.fault(chain.Retry, errNoAccount)
	}
	p, err := contract.NewProgram(accounts[0].Owner)
	if err == nil && p.State != s.bridge {
		err = fmt.Errorf("its owner %s is a program whose bridge would be %s", p.ID, p.State)
	}
	if err != nil {
		return contract.Program{}, s.fault(chain.Fatal, err)
	}
	s.program.Store(&p)
	return p, nil
}

// fault names the bridge in front of an error.
func (s *Source) fault(v chain.Verdict, err error) error {
	return s.node.wrap("bridge "+s.bridge.String(), &chain.Error{Verdict: v, Err: err})
}

// state decodes the state account and checks that it is the bridge of the configuration. Its page is the one to name in a
// transaction: where events come so fast that the page of the next one may turn before that lands, the endless one.
func (s *Source) state(p contract.Program, a *account) (*contract.State, error) {
	if a == nil {
		return nil, s.fault(chain.Retry, errNoAccount)
	}
	if a.Owner != p.ID {
		return nil, s.fault(chain.Retry, fmt.Errorf("its owner is said to be %s, and was %s", a.Owner, p.ID))
	}
	state, err := contract.DecodeState(a.Data)
	if err != nil {
		return nil, s.fault(chain.Fatal, err)
	}
	if state.Turns(landing) {
		if state.Page, err = p.EndlessPage(); err != nil {
			return nil, s.fault(chain.Fatal, err)
		}
	}
	return state, nil
}

// landing is how many slots may pass between the reading of a state and the transaction that names its page.
const landing = 24

// pinned is what was read of the bridge for a block.
type pinned struct {
	program  contract.Program
	state    *contract.State
	lamports uint64 // the state account's
	counters contract.Mark
	accounts []*account // the further ones that were asked for
}

// pin reads the state account, with further ones, in a slot that has at in its past, and finds
// the counters as they stood at that block. Solana shows no old states, so the account keeps
// the newest of them itself. Finalized accounts are read where they are new enough: the fewer
// events have come since, the surer the block is still remembered.
func (s *Source) pin(ctx context.Context, at chain.Block, further ...contract.Key) (*pinned, error) {
	p, err := s.known(ctx)
	if err != nil {
		return nil, err
	}
	keys := append([]contract.Key{p.State}, further...)
	_, accounts, err := s.node.accounts(ctx, finalized, at.Number, keys...)
	if errors.Is(err, errBehind) {
		_, accounts, err = s.node.accounts(ctx, confirmed, at.Number, keys...)
	}
	if err != nil {
		return nil, err
	}
	state, err := s.state(p, accounts[0])
	if err != nil {
		return nil, err
	}
	counters, ok := state.At(at.Number)
	switch {
	case at.Number < state.StartSlot:
		return nil, s.fault(chain.Retry, fmt.Errorf("block %s is older than the bridge, which began in slot %d", at, state.StartSlot))
	case !ok:
		return nil, s.fault(chain.Rewind, fmt.Errorf("block %s is older than the %d newest slots with events: pin a newer one", at, contract.Marks))
	}
	// Accounts of a fork that at is not on would have other counters.
	if err := s.node.canonical(ctx, at); err != nil {
		return nil, err
	}
	return &pinned{p, state, accounts[0].Lamports, counters, accounts[1:]}, nil
}

// Counters implements chain.Source.
func (s *Source) Counters(ctx context.Context, at chain.Block) (chain.Counters, error) {
	pin, err := s.pin(ctx, at)
	if err != nil {
		return chain.Counters{}, err
	}
	return countersOf(&pin.counters), nil
}

func countersOf(m *contract.Mark) chain.Counters {
	return chain.Counters{
		EventID: m.EventID, Head: m.Head, NextAction: m.NextAction, Epoch: m.Epoch, PauseSequence: m.PauseSequence, LimitVersion: m.LimitVersion,
	}
}

// tokensAtOnce is how many tokens one read of accounts has room for, beside state and code.
const tokensAtOnce = (maxAccounts - 2) / 3

// Snapshot implements chain.Source. What is not remembered for older blocks (set, balances, limits) can be read only while no
// action has run since at and not too many have deposited or claimed: otherwise the verdict is Rewind. Of what was sent to the
// bridge otherwise than by a deposit, what came after at counts as held too.
// Without tokens it proves too that the program never had other code, for which the block of its deployment is needed.
func (s *Source) Snapshot(ctx context.Context, at chain.Block, tokens []codec.Hash) (out chain.Snapshot, err error) {
	p, err := s.known(ctx)
	if err != nil {
		return out, err
	}
	code, err := contract.ProgramData(p.ID)
	if err != nil {
		return out, s.fault(chain.Fatal, err)
	}
	for first := 0; first == 0 || first < len(tokens); first += tokensAtOnce {
		part := tokens[first:min(first+tokensAtOnce, len(tokens))]
		accounts, err := tokenAccounts(p, part)
		if err != nil {
			return chain.Snapshot{}, s.fault(chain.Fatal, err)
		}
		pin, err := s.pin(ctx, at, append([]contract.Key{code}, accounts...)...)
		if err != nil {
			return chain.Snapshot{}, err
		}
		since, err := s.since(ctx, at, pin)
		if err != nil {
			return chain.Snapshot{}, err
		}
		codeHash, err := s.code(pin.accounts[0])
		if err != nil {
			return chain.Snapshot{}, err
		}
		if len(tokens) == 0 { // what stands there is asked for, by somebody who does not trust it yet
			if err := s.first(ctx, code, contract.CodeSlot(pin.accounts[0].Data)); err != nil {
				return chain.Snapshot{}, err
			}
		}
		out.Counters, out.Domain, out.CodeHash = countersOf(&pin.counters), pin.state.Domain, codeHash
		out.SetHash, out.StartBlock = pin.state.SetHash, pin.state.StartSlot
		for i, token := range part {
			state, err := s.token(pin, token, pin.accounts[1+3*i:4+3*i], at.Time)
			if err != nil {
				return chain.Snapshot{}, err
			}
			since.undo(&state)
			out.Tokens = append(out.Tokens, state)
		}
	}
	return out, nil
}

// code returns the hash of the program's code, provided that nobody can change it.
func (s *Source) code(data *account) (codec.Hash, error) {
	if data == nil {
		return codec.Hash{}, s.fault(chain.Fatal, errors.New("its program was not deployed by the upgradeable loader"))
	}
	if data.Owner != contract.LoaderProgram {
		return codec.Hash{}, s.fault(chain.Retry, fmt.Errorf("its code is said to be owned by %s", data.Owner))
	}
	hash, err := contract.CodeHash(data.Data)
	if err != nil {
		return codec.Hash{}, s.fault(chain.Fatal, err)
	}
	return hash, nil
}

// tokenAccounts lists, for each token, what the bridge knows of it and its vault under either token program.
func tokenAccounts(p contract.Program, tokens []codec.Hash) (keys []contract.Key, err error) {
	for _, word := range tokens {
		mint := contract.Key(word)
		config, err := p.TokenConfig(mint)
		if err != nil {
			return nil, err
		}
		keys = append(keys, config)
		for _, program := range []contract.Key{contract.TokenProgram, contract.Token2022Program} {
			vault, _, err := contract.TokenAccount(p.State, program, mint)
			if err != nil {
				return nil, err
			}
			keys = append(keys, vault)
		}
	}
	return keys, nil
}

// token makes the state of a token of its three accounts.
func (s *Source) token(pin *pinned, word codec.Hash, accounts []*account, now uint64) (chain.TokenState, error) {
	if word == contract.Native {
		held := uint256.NewInt(pin.lamports - min(pin.lamports, pin.state.Reserve))
		return tokenState(word, *held, pin.state.Limit, now), nil
	}
	config := accounts[0]
	if config == nil || config.Owner != pin.program.ID {
		return chain.TokenState{Token: word}, nil
	}
	token, err := contract.DecodeToken(config.Data)
	if err != nil {
		return chain.TokenState{}, s.fault(chain.Fatal, fmt.Errorf("token %s: %w", contract.Key(word), err))
	}
	var held uint256.Int
	vault := accounts[1]
	if token.Program == contract.Token2022Program {
		vault = accounts[2]
	}
	if token.Ready && vault != nil {
		h, err := decodeTokenAccount(vault)
		if err != nil {
			return chain.TokenState{}, s.fault(chain.Retry, fmt.Errorf("the vault of token %s: %w", contract.Key(word), err))
		}
		held.SetUint64(h.amount)
	}
	return tokenState(word, held, token.Limit, now), nil
}

// tokenState leaks the limit's bucket up to a block's time, as the program does.
func tokenState(word codec.Hash, held uint256.Int, b contract.Bucket, now uint64) chain.TokenState {
	level := uint256.NewInt(b.Level)
	if b.Minutes != 0 && now > b.Time {
		leaked := uint256.NewInt(now - b.Time)
		leaked.Div(leaked.Mul(leaked, uint256.NewInt(b.Capacity)), uint256.NewInt(b.Window()))
		if leaked.Lt(level) {
			level.Sub(level, leaked)
		} else {
			level.Clear()
		}
	}
	return chain.TokenState{Token: word, Held: held, Capacity: *uint256.NewInt(b.Capacity), Level: *level, Window: b.Window()}
}
