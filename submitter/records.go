package submitter

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/holiman/uint256"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/chain"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/store"
)

// target names a delivery: a value action by its id, or a control action by kind and
// sequence. The zero target names none.
type target struct {
	Control  bridgecontracts.ControlKind `json:"control,omitempty"`
	Sequence uint64                      `json:"sequence"`
}

// String names the delivery as logs do.
func (t target) String() string {
	if t.Control == 0 {
		return fmt.Sprintf("action %d", t.Sequence)
	}
	return fmt.Sprintf("%s %d", t.Control, t.Sequence)
}

// job is what occupies one nonce: a delivery, or nothing but the nonce. Its attempts
// exclude each other. It is stored before anything of it is signed or sent.
type job struct {
	// Serial counts jobs in the order of their making.
	Serial uint64     `json:"serial"`
	Nonce  uint64     `json:"nonce"`
	Target target     `json:"target"`
	Digest codec.Hash `json:"digest"`
	// Filler says that the job only uses up its nonce from now on; older attempts may deliver all the same.
	Filler bool `json:"filler,omitempty"`
	// FeePerGas and Tip are of the newest intent, which may not have become an attempt yet.
	FeePerGas uint256.Int `json:"feePerGas"`
	Tip       uint256.Int `json:"tip"`
	Attempts  []attempt   `json:"attempts,omitempty"`
}

// attempt is a signed transaction and when it was made.
type attempt struct {
	chain.Attempt
	At time.Time `json:"at"`
}

// newest returns the newest attempt, nil if there is none.
func (j *job) newest() *attempt {
	if len(j.Attempts) == 0 {
		return nil
	}
	return &j.Attempts[len(j.Attempts)-1]
}

// chainAttempts returns the attempts as a sink takes them, oldest first.
func (j *job) chainAttempts() []chain.Attempt {
	list := make([]chain.Attempt, len(j.Attempts))
	for i := range j.Attempts {
		list[i] = j.Attempts[i].Attempt
	}
	return list
}

// nonced reports whether the chain has nonces, as far as this job shows.
func (j *job) nonced() bool { return len(j.Attempts) == 0 || j.Attempts[0].Nonce == j.Nonce }

var jobPrefix = []byte("job/")

func jobKey(serial uint64) []byte {
	return binary.BigEndian.AppendUint64(bytes.Clone(jobPrefix), serial)
}

// loadJobs reads all jobs, by serial.
func loadJobs(kv store.Reader) ([]*job, error) {
	var jobs []*job
	for entry, err := range kv.Ascend(jobPrefix, store.After(jobPrefix)) {
		if err != nil {
			return nil, err
		}
		j := new(job)
		decoder := json.NewDecoder(bytes.NewReader(entry.Value))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(j); err != nil {
			return nil, store.Corruptf("submitter: record %x of a transaction: %w", entry.Key, err)
		}
		if !bytes.Equal(jobKey(j.Serial), entry.Key) {
			return nil, store.Corruptf("submitter: record %x of a transaction says that it is number %d", entry.Key, j.Serial)
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// saveJob makes a job durable.
func saveJob(ctx context.Context, kv store.KV, j *job) error {
	value, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("encoding the record of %s: %w", j.Target, err)
	}
	batch := kv.NewBatch()
	batch.Put(jobKey(j.Serial), value)
	if err := batch.Commit(ctx, store.Sync); err != nil {
		return fmt.Errorf("storing the record of %s: %w", j.Target, err)
	}
	return nil
}

// dropJob forgets a job.
func dropJob(ctx context.Context, kv store.KV, j *job) error {
	batch := kv.NewBatch()
	batch.Delete(jobKey(j.Serial))
	if err := batch.Commit(ctx, store.Sync); err != nil {
		return fmt.Errorf("removing the record of %s: %w", j.Target, err)
	}
	return nil
}
