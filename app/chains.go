package app

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/trinebridge/trine/bridgewatch"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/chain/quorum"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/ledger"
)

// requestTimeout bounds one request to one endpoint where the file says nothing.
const requestTimeout = 10 * time.Second

// access is how a daemon reaches one chain, by its own endpoints.
type access struct {
	config  *ChainConfig
	adapter chain.Adapter
	chain   ledger.Chain
	genesis codec.Hash
	log     *slog.Logger
	observe func(chainID string, o quorum.Observation)
}

// openChains pairs the chains of a daemon's file with those of the genesis.
func openChains(c *Config, genesis *ledger.Genesis, hash codec.Hash, log *slog.Logger, m *metrics) ([]*access, error) {
	var out []*access
	for i := range c.Chains {
		x := &c.Chains[i]
		known, ok := genesis.Chain(x.ID)
		if !ok {
			return nil, fmt.Errorf("chain %s is not in the genesis", x.ID)
		}
		adapter, err := AdapterOf(x.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, &access{config: x, adapter: adapter, chain: known, genesis: hash, log: log.With("chain", x.ID), observe: m.endpoint})
	}
	return out, nil
}

// source makes one Source of the chain's endpoints.
func (a *access) source(bridge codec.Hash, startBlock uint64) (chain.Source, error) {
	config := quorum.Config{
		Quorum:  a.config.quorum(),
		Timeout: a.config.Timeout.or(requestTimeout),
		Observe: func(o quorum.Observation) { a.observe(a.config.ID, o) },
	}
	for i, url := range a.config.Endpoints {
		source, err := a.adapter.OpenSource(a.sourceConfig(url, bridge, startBlock))
		if err != nil {
			return nil, err
		}
		config.Endpoints = append(config.Endpoints, quorum.Endpoint{Name: a.endpointName(i), Source: source})
	}
	return quorum.New(config)
}

// endpointName names an endpoint without its secrets. Two keys at one provider would be
// the same name, so they are numbered.
func (a *access) endpointName(i int) string {
	name := quorum.Name(os.ExpandEnv(a.config.Endpoints[i]))
	for j, other := range a.config.Endpoints {
		if j != i && quorum.Name(os.ExpandEnv(other)) == name {
			return fmt.Sprintf("%s #%d", name, i+1)
		}
	}
	return name
}

func (a *access) sourceConfig(url string, bridge codec.Hash, startBlock uint64) chain.SourceConfig {
	return chain.SourceConfig{ChainID: a.config.ID, Endpoint: os.ExpandEnv(url), Bridge: bridge, Genesis: a.genesis, StartBlock: startBlock, Log: a.log}
}

func (a *access) finality() chain.Finality {
	return chain.Finality{Confirmations: a.chain.Confirmations}
}

// watch is the access of listeners and approvers.
func (a *access) watch() bridgewatch.Access {
	return bridgewatch.Access{
		Open: a.source, CodeHash: a.adapter.BridgeCodeHash, Finality: a.finality(),
		Poll: time.Duration(a.config.Poll), Timeout: 3 * a.config.Timeout.or(requestTimeout),
	}
}

// intents are the bridges that the operator's file agrees to attach.
func intents(chains []*access) ([]bridgewatch.Intent, error) {
	var out []bridgewatch.Intent
	for _, a := range chains {
		if a.config.Bridge == "" {
			continue
		}
		bridge, err := a.adapter.ParseAddress(a.config.Bridge)
		if err != nil {
			return nil, err
		}
		out = append(out, bridgewatch.Intent{Chain: a.config.ID, Bridge: bridge})
	}
	return out, nil
}

func watches(chains []*access) map[string]bridgewatch.Access {
	out := map[string]bridgewatch.Access{}
	for _, a := range chains {
		out[a.config.ID] = a.watch()
	}
	return out
}
