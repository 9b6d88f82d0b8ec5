package app

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/trinebridge/trine/gossip"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/filesigner"
	"github.com/trinebridge/trine/validators"
)

// InitOptions says what network to write files for.
type InitOptions struct {
	// Dir is a new or empty folder.
	Dir       string
	Network   string
	Listeners int
	Approvers int
	// Submitters defaults to 1; each has fee payers of its own.
	Submitters int
	// ListenerQuorum and ApproverQuorum default to validators.DefaultQuorum.
	ListenerQuorum, ApproverQuorum uint64
	Chains                         []InitChain
	Assets                         []GenesisAsset
	// BasePort is the first of the ports that the daemons listen on: one for each API from
	// here on, and one for each one's gossip from 100 above. 0 takes free ones.
	BasePort int
	// FeeKey is the URI of the key that the submitter pays with; empty makes a new key per
	// chain. Its paths start from the working directory.
	FeeKey string
	// Light makes key files that open in a tenth of a second: for local networks only.
	Light bool
	// Unsafe accepts quorums of half a group or less.
	Unsafe bool
}

// InitChain is a chain and how to reach it.
type InitChain struct {
	ID            string
	Rule          string
	Confirmations uint64
	// Skew in seconds, see GenesisChain.
	Skew      uint64
	Endpoints []string
	Poll      time.Duration
	// Timeout of one request, zero for the default.
	Timeout time.Duration
}

// Daemon is one daemon of a network that Init wrote.
type Daemon struct {
	Name   string `json:"name"`
	Role   Role   `json:"role"`
	Config string `json:"config"`
	API    string `json:"api"`
}

// Initialized is what Init wrote.
type Initialized struct {
	Genesis string   `json:"genesis"`
	Daemons []Daemon `json:"daemons"`
	// Treasury is the URI of the key whose account receives fees.
	Treasury string `json:"treasury"`
	// FeePayers are the submitter's new accounts by chain, which need coins.
	FeePayers map[string][]string `json:"feePayers"`
}

// portsBetween is how far the first gossip port stands above the first API's.
const portsBetween = 100

// Validate reports every fault at once.
func (o *InitOptions) Validate() error {
	var faults []error
	if o.Dir == "" {
		faults = append(faults, errors.New("no folder is named"))
	}
	for _, group := range []struct {
		name string
		n    int
	}{{"listeners", o.Listeners}, {"approvers", o.Approvers}} {
		if group.n < 1 || group.n > validators.MaxMembers {
			faults = append(faults, fmt.Errorf("%d %s; from 1 to %d are possible", group.n, group.name, validators.MaxMembers))
		}
	}
	if n := 1 + o.Listeners + o.Approvers + max(o.Submitters, 1); o.BasePort > 0 && n > portsBetween {
		faults = append(faults, fmt.Errorf("%d daemons need more than %d ports in a row; name base port 0, which takes free ones", n, portsBetween))
	}
	if o.BasePort < 0 || o.BasePort > 65000 {
		faults = append(faults, fmt.Errorf("base port %d is not between 0 and 65000", o.BasePort))
	}
	for _, c := range o.Chains {
		if len(c.Endpoints) == 0 {
			faults = append(faults, fmt.Errorf("chain %s has no endpoint", c.ID))
		}
	}
	return errors.Join(faults...)
}

// initializer is Init at work.
type initializer struct {
	InitOptions
	password  string
	seats     []seat
	feePayers map[string][]string
}

// seat is a daemon to be written.
type seat struct {
	name     string
	role     Role
	address  signing.Address
	api      string
	gossip   string
	identity string
}

// Init writes a working set of files: genesis, keys, and a configuration per daemon. It
// refuses a folder that has something in it.
func Init(o InitOptions) (*Initialized, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("init: %w", err)
	}
	entries, err := os.ReadDir(o.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("init: %w", err)
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("init: folder %s has files in it; name a new one, so that no key is overwritten", o.Dir)
	}
	if o.FeeKey, err = moveKeyURI(o.FeeKey, o.Dir); err != nil {
		return nil, fmt.Errorf("init: fee key: %w", err)
	}
	in := &initializer{InitOptions: o, feePayers: map[string][]string{}}
	out, err := in.write()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("init: %w", err), removeAllIn(o.Dir))
	}
	return out, nil
}

// removeAllIn empties a folder that was empty before, so that the same command can be
// given again.
func removeAllIn(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

func (in *initializer) write() (*Initialized, error) {
	if err := os.MkdirAll(filepath.Join(in.Dir, "keys"), 0o700); err != nil {
		return nil, err
	}
	secret := make([]byte, 24)
	_, _ = rand.Read(secret) // never fails
	in.password = hex.EncodeToString(secret)
	if err := os.WriteFile(filepath.Join(in.Dir, "keys", "password"), []byte(in.password+"\n"), 0o600); err != nil {
		return nil, err
	}
	if err := in.makeSeats(); err != nil {
		return nil, err
	}
	treasury, err := in.newKey("treasury")
	if err != nil {
		return nil, err
	}
	if err := in.writeGenesis(treasury.PublicKey()); err != nil {
		return nil, err
	}
	out := &Initialized{Genesis: filepath.Join(in.Dir, "genesis.json"), Treasury: in.keyURI("treasury"), FeePayers: in.feePayers}
	for i := range in.seats {
		daemon, err := in.writeConfig(&in.seats[i])
		if err != nil {
			return nil, err
		}
		out.Daemons = append(out.Daemons, daemon)
	}
	return out, nil
}

func (in *initializer) keyURI(name string) string {
	return fmt.Sprintf("file:keys/%s.json?password-file=keys/password", name)
}

func (in *initializer) newKey(name string) (*signing.KeySigner, error) {
	key, err := signing.GenerateKey()
	if err != nil {
		return nil, err
	}
	return signing.NewKeySigner(key), filesigner.Create(filepath.Join(in.Dir, "keys", name+".json"), key, in.password, in.cost())
}

func (in *initializer) cost() filesigner.Cost {
	if in.Light {
		return filesigner.CostLight
	}
	return filesigner.CostStandard
}

func (in *initializer) makeSeats() error {
	add := func(role Role, count int) {
		for i := range count {
			name := string(role)
			if count > 1 {
				name += "-" + strconv.Itoa(i+1)
			}
			in.seats = append(in.seats, seat{name: name, role: role})
		}
	}
	add(RoleProcessor, 1)
	add(RoleListener, in.Listeners)
	add(RoleApprover, in.Approvers)
	add(RoleSubmitter, max(in.Submitters, 1))
	ports, err := in.ports(2 * len(in.seats))
	if err != nil {
		return err
	}
	for i := range in.seats {
		s := &in.seats[i]
		s.api = fmt.Sprintf("127.0.0.1:%d", ports[i])
		s.gossip = fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", ports[len(in.seats)+i])
		identity := filepath.Join(in.Dir, "data", s.name, identityFile)
		if err := os.MkdirAll(filepath.Dir(identity), 0o700); err != nil {
			return err
		}
		key, err := gossip.LoadOrCreateIdentity(identity)
		if err != nil {
			return err
		}
		if s.identity, err = gossip.PeerID(key); err != nil {
			return err
		}
		if s.role == RoleSubmitter {
			continue
		}
		signer, err := in.newKey(s.name)
		if err != nil {
			return err
		}
		s.address = signer.Address()
	}
	return nil
}

// ports returns n ports: in a row from BasePort on, gossip's 100 above the APIs', or free ones.
func (in *initializer) ports(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		if in.BasePort > 0 {
			ports[i] = in.BasePort + i%(n/2) + i/(n/2)*portsBetween
			continue
		}
		// All stay open until every port is picked, so that none is picked twice.
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}

func (in *initializer) members(role Role) []signing.Address {
	var members []signing.Address
	for _, s := range in.seats {
		if s.role == role {
			members = append(members, s.address)
		}
	}
	slices.SortFunc(members, signing.Address.Compare)
	return members
}

func (in *initializer) writeGenesis(treasury signing.PublicKey) error {
	quorum := func(set uint64, n int) uint64 {
		if set != 0 {
			return set
		}
		return validators.DefaultQuorum(n)
	}
	file := GenesisFile{
		Network: in.Network, Time: time.Now().UTC().Truncate(time.Millisecond), CodeVersion: 1,
		Validators: GenesisSet{
			Processor:      in.members(RoleProcessor)[0],
			ApproverQuorum: quorum(in.ApproverQuorum, in.Approvers), Approvers: in.members(RoleApprover),
			ListenerQuorum: quorum(in.ListenerQuorum, in.Listeners), Listeners: in.members(RoleListener),
		},
		Treasury: treasury.String(), Assets: in.Assets, Unsafe: in.Unsafe,
	}
	for _, c := range in.Chains {
		adapter, err := AdapterOf(c.ID)
		if err != nil {
			return err
		}
		file.Chains = append(file.Chains, GenesisChain{ID: c.ID, Rule: c.Rule, Confirmations: c.Confirmations, Skew: c.Skew, Batch: adapter.Batch})
	}
	if _, err := file.Genesis(); err != nil {
		return err
	}
	data, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(in.Dir, "genesis.json"), append(data, '\n'), 0o644) // everybody may read it
}

func (in *initializer) writeConfig(s *seat) (Daemon, error) {
	config := Config{
		Role: s.role, Genesis: "genesis.json", DataDir: filepath.Join("data", s.name),
		Log:    LogConfig{Level: "info", Format: "text"},
		API:    APIConfig{Listen: s.api},
		Gossip: GossipConfig{Listen: []string{s.gossip}},
	}
	if s.role != RoleSubmitter {
		config.Key = in.keyURI(s.name)
	}
	for _, other := range in.seats {
		if other.name != s.name {
			config.Gossip.Peers = append(config.Gossip.Peers, other.gossip+"/p2p/"+other.identity)
		}
	}
	if s.role != RoleProcessor {
		for _, c := range in.Chains {
			chain := ChainConfig{ID: c.ID, Endpoints: c.Endpoints, Poll: Duration(c.Poll), Timeout: Duration(c.Timeout)}
			if s.role == RoleSubmitter {
				uri, err := in.feeKey(s.name, c.ID)
				if err != nil {
					return Daemon{}, err
				}
				chain.FeeKey = uri
			}
			config.Chains = append(config.Chains, chain)
		}
	}
	data, err := toml.Marshal(config)
	if err != nil {
		return Daemon{}, err
	}
	path := filepath.Join(in.Dir, s.name+".toml")
	if _, err := ParseConfig(data, path); err != nil {
		return Daemon{}, err
	}
	return Daemon{s.name, s.role, path, "http://" + s.api}, os.WriteFile(path, data, 0o600)
}

// feeKey returns the URI of the key that pays on a chain, a new one unless one was named.
func (in *initializer) feeKey(daemon, chainID string) (string, error) {
	if in.FeeKey != "" {
		return in.FeeKey, nil
	}
	name := daemon + "-fees-" + fileName(chainID)
	adapter, err := AdapterOf(chainID)
	if err != nil {
		return "", err
	}
	key, err := filesigner.CreatePayer(filepath.Join(in.Dir, "keys", name+".json"), adapter.Curve, in.password, in.cost())
	if err != nil {
		return "", err
	}
	account, err := adapter.AccountOf(key)
	if err != nil {
		return "", err
	}
	in.feePayers[chainID] = append(in.feePayers[chainID], adapter.FormatAddress(account))
	return in.keyURI(name), nil
}

// fileName makes a CAIP-2 id usable as a part of a file's name.
func fileName(chainID string) string {
	out := []byte(chainID)
	for i, c := range out {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-') {
			out[i] = '-'
		}
	}
	return string(out)
}
