package evm

import (
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
)

func start(t *testing.T, config Config) (*Chain, *ethclient.Client) {
	t.Helper()
	c, err := Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	client, err := ethclient.Dial(c.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return c, client
}

func TestChainsBesideEachOther(t *testing.T) {
	for _, id := range []uint64{31337, 31338} {
		_, client := start(t, Config{ChainID: id})
		got, err := client.ChainID(t.Context())
		if err != nil || got.Uint64() != id {
			t.Fatalf("chain id over HTTP = %v, %v; want %d", got, err, id)
		}
	}
}

func TestForkIsCanonicalAtOnce(t *testing.T) {
	c, client := start(t, Config{})
	c.Mine(2)
	parent, err := client.HeaderByNumber(t.Context(), big.NewInt(1))
	if err != nil {
		t.Fatal(err)
	}
	old := c.Commit()
	if err := c.Fork(parent.Hash()); err != nil {
		t.Fatal(err)
	}
	c.Mine(1)
	number, err := client.BlockNumber(t.Context())
	if err != nil || number != 2 {
		t.Fatalf("height after the fork = %d, %v; want 2", number, err)
	}
	if h, err := client.HeaderByNumber(t.Context(), big.NewInt(3)); err == nil {
		t.Fatalf("block 3 of the left branch (%s, it was %s) is still canonical", h.Hash(), old)
	}
}

func TestFinalizedMovesEvery32Blocks(t *testing.T) {
	c, client := start(t, Config{})
	c.Mine(70)
	h, err := client.HeaderByNumber(t.Context(), big.NewInt(int64(rpc.FinalizedBlockNumber)))
	if err != nil || h.Number.Uint64() != 64 {
		t.Fatalf("finalized = %v, %v; want block 64", h, err)
	}
}

func TestToken(t *testing.T) {
	owner := DevKey(1)
	_, client := start(t, Config{OnDemand: true, Prefunded: []common.Address{AddressOf(owner)}})
	at, err := DeployToken(t.Context(), client, owner, TokenConfig{Symbol: "USD", Decimals: 6})
	if err != nil {
		t.Fatal(err)
	}
	if err := MintToken(t.Context(), client, owner, at, AddressOf(owner), big.NewInt(42)); err != nil {
		t.Fatal(err)
	}
	a, err := token()
	if err != nil {
		t.Fatal(err)
	}
	var got string
	data, err := a.methods.Pack("balanceOf", AddressOf(owner))
	if err != nil {
		t.Fatal(err)
	}
	call := map[string]any{"to": at, "data": common.Bytes2Hex(data)}
	call["data"] = "0x" + call["data"].(string)
	if err := client.Client().CallContext(t.Context(), &got, "eth_call", call, "latest"); err != nil {
		t.Fatal(err)
	}
	if want := common.BigToHash(big.NewInt(42)).Hex(); got != want {
		t.Fatalf("balance = %s, want %s", got, want)
	}
}

func TestConfigFaults(t *testing.T) {
	_, err := Start(Config{BlockTime: -1, Port: 70000})
	if err == nil || !strings.Contains(err.Error(), "BlockTime") || !strings.Contains(err.Error(), "Port") {
		t.Fatalf("error = %v, want both faults", err)
	}
}
