// Package zoo is the tokens and recipients that a bridge on an EVM chain must live with: an ordinary token for tests and the
// demo, and every strange one that the tests try. Sources are in test/zoo; the artifacts are made by `make generate`.
//
// Nothing here belongs on a chain with real funds.
package zoo

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

//go:embed artifacts.json
var artifactsJSON []byte

// Contract is one of the zoo.
type Contract struct {
	ABI      abi.ABI
	Bytecode hexutil.Bytes
}

var contracts = func() map[string]Contract {
	var all map[string]Contract
	if err := json.Unmarshal(artifactsJSON, &all); err != nil {
		panic(fmt.Sprintf("zoo: embedded artifacts.json: %v; run make generate", err))
	}
	return all
}()

// Names returns the names of all contracts, ascending.
func Names() []string { return slices.Sorted(maps.Keys(contracts)) }

// Get returns a contract by the name that it has in Solidity.
func Get(name string) (Contract, error) {
	c, ok := contracts[name]
	if !ok {
		return Contract{}, fmt.Errorf("zoo: no contract %q; there are %v", name, Names())
	}
	return c, nil
}

// DeployData returns what a transaction that deploys the contract carries.
func (c Contract) DeployData(args ...any) ([]byte, error) {
	packed, err := c.ABI.Pack("", args...)
	if err != nil {
		return nil, fmt.Errorf("zoo: constructor: %w", err)
	}
	return slices.Concat(c.Bytecode, packed), nil
}

// Pack returns a call of a method.
func (c Contract) Pack(method string, args ...any) ([]byte, error) {
	return c.ABI.Pack(method, args...)
}
