package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/trinebridge/trine/appchain"
	"github.com/trinebridge/trine/signing"
	"github.com/trinebridge/trine/signing/guard"
	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/store/pebblestore"
)

// dataDir asks whether the daemon can use its folder, and whether that is its own.
func (c *checker) dataDir() {
	dir := c.config.Resolve(c.config.DataDir)
	err := os.MkdirAll(dir, 0o700)
	if err != nil {
		err = fmt.Errorf("cannot make %s: %w", dir, err)
	} else {
		err = c.folder(dir)
	}
	c.found("data_dir", dir, err)
	if id, err := c.identity(); err != nil || id != "" {
		c.found("gossip identity", id, err)
	}
}

func (c *checker) folder(dir string) error {
	inner := filepath.Join(dir, storeFolder)
	if err := canWrite(dir); err != nil {
		return err
	}
	info, err := os.Stat(inner)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil // no daemon has run here yet
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is no folder; move it away, or name another data_dir", inner)
	}
	if err := canWrite(inner); err != nil {
		return err
	}
	s, err := pebblestore.Open(pebblestore.Config{Dir: inner, ReadOnly: true})
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case errors.Is(err, pebblestore.ErrInUse):
		return c.inUse(err)
	case err != nil:
		return err
	}
	return errors.Join(c.owned(s), s.Close())
}

// probeSize is what a full disk has no room for.
const probeSize = 64 << 10

// canWrite leaves nothing behind.
func canWrite(dir string) error {
	f, err := os.CreateTemp(dir, ".check-*")
	if err == nil {
		_, err = f.Write(make([]byte, probeSize))
		err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return fmt.Errorf("cannot write to %s: %w; the daemon's user must own it, and its file system be writable and have room", dir, err)
	}
	return nil
}

// inUse is no fault if it is this file's daemon that has the folder.
func (c *checker) inUse(err error) error {
	switch {
	case !c.runs:
		return fmt.Errorf("%w; if it is this daemon that runs, its API does not answer", err)
	case Role(c.status.Role) != c.config.Role:
		return fmt.Errorf("the daemon that runs with it is %s, this is the file of %s: give each a folder of its own", Role(c.status.Role).WithArticle(), c.config.Role.WithArticle())
	}
	return nil
}

// owned asks whose folder it is, by what a daemon has written there. A node may go on with
// another daemon's folder, since it neither signs nor sends.
func (c *checker) owned(s store.KV) error {
	if c.genesis != nil {
		if err := appchain.CheckOrigin(store.Sub(s, "chain/"), c.genesis.Hash()); err != nil {
			return err
		}
	}
	if c.config.Role == RoleNode {
		return nil
	}
	const wayOut = "a folder belongs to one daemon, which must not go on without what is in it; name another data_dir"
	keys, err := guard.Remembered(store.Sub(s, "guard/"))
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		switch {
		case c.config.Role == RoleSubmitter:
			return fmt.Errorf("it remembers what %s has signed, and a submitter has no such key: %s", c.named(keys[0]), wayOut)
		case c.seatKey != nil && !slices.Contains(keys, *c.seatKey):
			return fmt.Errorf("it remembers what %s has signed, and nothing of this file's key %s: %s, or the key of this one", c.named(keys[0]), c.seatKey, wayOut)
		}
	}
	if c.config.Role != RoleSubmitter {
		for _, err := range store.Sub(s, "submitter/").Ascend(nil, nil) {
			if err != nil {
				return err
			}
			return fmt.Errorf("it remembers what a submitter has sent: %s", wayOut)
		}
	}
	return nil
}

// named says which member of the genesis an address is.
func (c *checker) named(address signing.Address) string {
	if c.genesis != nil {
		for _, role := range Roles {
			group, seat := groups[role]
			if seat && c.genesis.Validators.Has(group, address) {
				return fmt.Sprintf("%s, %s of the genesis,", address, group)
			}
		}
	}
	return address.String()
}
