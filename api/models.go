package api

import (
	"time"

	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/signing"
)

// Status is what a daemon says about itself.
type Status struct {
	Role        string     `json:"role" doc:"processor, listener, approver, submitter or node"`
	Network     string     `json:"network" doc:"name of the app chain"`
	Chain       string     `json:"chain" doc:"trine:<first 16 hex digits of the genesis hash>"`
	Genesis     codec.Hash `json:"genesis"`
	Height      uint64     `json:"height" doc:"newest durable block"`
	Block       codec.Hash `json:"block"`
	BlockTime   *time.Time `json:"blockTime,omitempty" doc:"absent before the first block"`
	Peers       int        `json:"peers"`
	PeerID      string     `json:"peerId" doc:"this daemon's name in gossip, as it stands behind /p2p/ in others' gossip.peers"`
	Ready       bool       `json:"ready"`
	Compromised bool       `json:"compromised" doc:"there is proof that the processor is hostile; nothing is signed"`
	Parts       []Part     `json:"parts"`
}

// Part is one thing that a daemon runs, such as the listener of one bridge.
type Part struct {
	Name    string   `json:"name"`
	Ready   bool     `json:"ready"`
	Detail  string   `json:"detail" doc:"what it does or waits for, in words"`
	Error   string   `json:"error,omitempty"`
	Waiting []string `json:"waiting,omitempty" doc:"what it does not do yet, each with the reason"`
}

// Amount is a quantity of an asset or a token.
type Amount struct {
	Units string `json:"units" doc:"smallest units, decimal"`
	Text  string `json:"text" doc:"as people write it"`
}

// Balance is what an account holds of an asset.
type Balance struct {
	Asset  string `json:"asset" doc:"symbol"`
	Amount Amount `json:"amount"`
}

// Wallet is an address on an external chain.
type Wallet struct {
	Chain   string `json:"chain"`
	Address string `json:"address"`
}

// Key is one of an account's keys.
type Key struct {
	Key   signing.PublicKey `json:"key"`
	Nonce uint64            `json:"nonce" doc:"transactions so far; the next one has nonce+1"`
}

// Account is an account of the app chain.
type Account struct {
	ID       uint64    `json:"id"`
	Keys     []Key     `json:"keys"`
	Wallets  []Wallet  `json:"wallets"`
	Balances []Balance `json:"balances"`
}

// Transaction is what became of a transaction.
type Transaction struct {
	Hash   codec.Hash `json:"hash"`
	Status string     `json:"status" enum:"unknown,included,dropped"`
	Height uint64     `json:"height,omitempty"`
	Code   string     `json:"code,omitempty" doc:"why it was dropped, for programs"`
	Reason string     `json:"reason,omitempty" doc:"why it was dropped, for people"`
	Log    []LogEntry `json:"log,omitempty" doc:"what its block did"`
}

// LogEntry is one thing that a block did.
type LogEntry struct {
	Name   string         `json:"name"`
	Fields map[string]any `json:"fields"`
}

// Bridge is an attached bridge.
type Bridge struct {
	Chain         string        `json:"chain"`
	Address       string        `json:"address"`
	Domain        codec.Hash    `json:"domain"`
	Generation    uint64        `json:"generation"`
	EventID       uint64        `json:"eventId"`
	Head          codec.Hash    `json:"head"`
	Epoch         uint64        `json:"epoch"`
	Paused        bool          `json:"paused"`
	PauseSequence uint64        `json:"pauseSequence"`
	LimitVersion  uint64        `json:"limitVersion"`
	LastAction    uint64        `json:"lastAction"`
	LastExecuted  uint64        `json:"lastExecuted"`
	Halted        string        `json:"halted,omitempty"`
	Tokens        []BridgeToken `json:"tokens"`
	Controls      []Control     `json:"controls"`
}

// BridgeToken is a token's books on a bridge, in units of the token.
type BridgeToken struct {
	Asset     string `json:"asset"`
	Token     string `json:"token"`
	Held      Amount `json:"held"`
	InFlight  Amount `json:"inFlight"`
	Claimable Amount `json:"claimable"`
	Dust      Amount `json:"dust"`
	Available Amount `json:"available"`
	Queued    Amount `json:"queued"`
	Waiting   uint64 `json:"waiting" doc:"withdrawals in the queue"`
	Limit     *Limit `json:"limit,omitempty"`
}

// Limit is an outflow limit.
type Limit struct {
	Capacity Amount `json:"capacity"`
	Window   uint64 `json:"window" doc:"seconds"`
	Level    Amount `json:"level" doc:"as of the time that is given"`
	Updated  uint64 `json:"updated" doc:"Unix seconds"`
}

// Control is a control action that is being voted on or delivered.
type Control struct {
	Kind     string            `json:"kind"`
	Sequence uint64            `json:"sequence"`
	Digest   codec.Hash        `json:"digest"`
	Voters   []signing.Address `json:"voters"`
	Sealed   bool              `json:"sealed"`
	Done     bool              `json:"done"`
}

// Action is a value action of a bridge.
type Action struct {
	Chain     string            `json:"chain"`
	ID        uint64            `json:"id"`
	Revision  uint64            `json:"revision"`
	Kind      string            `json:"kind"`
	Status    string            `json:"status" enum:"pending,sealed,executed"`
	Height    uint64            `json:"height" doc:"block that emitted it"`
	Digest    codec.Hash        `json:"digest" doc:"of the newest revision"`
	Transfers []ActionTransfer  `json:"transfers"`
	Signers   []signing.Address `json:"signers" doc:"the processor first, then the approvers whose signatures seal it"`
	Event     uint64            `json:"event,omitempty" doc:"event by which the bridge reported it"`
	Tx        string            `json:"tx,omitempty" doc:"chain transaction, where this daemon has seen it"`
}

// ActionTransfer is one payment of an action.
type ActionTransfer struct {
	Withdrawal uint64 `json:"withdrawal" doc:"sequence number in the bridge's queue"`
	Account    uint64 `json:"account"`
	Asset      string `json:"asset"`
	To         string `json:"to"`
	Amount     Amount `json:"amount"`
	Failed     bool   `json:"failed,omitempty" doc:"the transfer failed and its amount is claimable"`
}

// Withdrawal is where a withdrawal stands.
type Withdrawal struct {
	Chain    string `json:"chain"`
	Sequence uint64 `json:"sequence"`
	Status   string `json:"status" enum:"queued,pending,sealed,paid,claimable,returned"`
	Position uint64 `json:"position,omitempty" doc:"place in the queue of its asset, from 1, while it is queued"`
	Action   uint64 `json:"action,omitempty" doc:"the action that pays it"`
	Asset    string `json:"asset"`
	To       string `json:"to"`
	Amount   Amount `json:"amount"`
	Account  uint64 `json:"account"`
	Tx       string `json:"tx,omitempty" doc:"chain transaction, where this daemon has seen it"`
}

// Validators is the current set.
type Validators struct {
	Epoch          uint64            `json:"epoch"`
	Hash           codec.Hash        `json:"hash"`
	Processor      signing.Address   `json:"processor"`
	ApproverQuorum uint64            `json:"approverQuorum"`
	Approvers      []signing.Address `json:"approvers"`
	ListenerQuorum uint64            `json:"listenerQuorum"`
	Listeners      []signing.Address `json:"listeners"`
}

// Network is what a client must know to make transactions.
type Network struct {
	Network string     `json:"network"`
	Genesis codec.Hash `json:"genesis"`
	Chains  []Chain    `json:"chains"`
	Assets  []Asset    `json:"assets"`
}

// Chain is an external chain of the genesis.
type Chain struct {
	ID            string `json:"id"`
	Confirmations uint64 `json:"confirmations" doc:"0: the chain's own finality"`
}

// Asset is an asset of the genesis.
type Asset struct {
	ID       uint32  `json:"id"`
	Symbol   string  `json:"symbol"`
	Decimals uint8   `json:"decimals"`
	Tokens   []Token `json:"tokens"`
	// MinOpening is what a transfer to a key without an account must bring.
	MinOpening Amount `json:"minOpening" doc:"what a transfer to a key without an account must bring; 0: any amount"`
}

// Token is an asset's form on a chain.
type Token struct {
	Chain         string `json:"chain"`
	Address       string `json:"address"`
	Decimals      uint8  `json:"decimals"`
	MinWithdrawal Amount `json:"minWithdrawal"`
	Fee           Amount `json:"fee"`
}

// Block is a block's header and log.
type Block struct {
	Height        uint64     `json:"height"`
	Hash          codec.Hash `json:"hash"`
	Parent        codec.Hash `json:"parent"`
	Time          time.Time  `json:"time"`
	Tx            codec.Hash `json:"tx"`
	FrameworkRoot codec.Hash `json:"frameworkRoot"`
	AppRoot       codec.Hash `json:"appRoot"`
	Log           []LogEntry `json:"log"`
}
