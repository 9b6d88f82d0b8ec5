package pebblestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"

	"github.com/trinebridge/trine/store"
	"github.com/trinebridge/trine/store/pebblestore"
	"github.com/trinebridge/trine/store/storetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("PEBBLESTORE_TEST_HOLD"); dir != "" {
		hold(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// small keeps the tables so small that flushes and log rotations happen all the time.
func small(fs vfs.FS) pebblestore.Config {
	return pebblestore.Config{Dir: "db", FS: fs, CacheBytes: 1 << 20, MemTableBytes: 64 << 10}
}

func inMemory(testing.TB) storetest.Open {
	fs := vfs.NewMem()
	return func() (store.KV, error) { return pebblestore.Open(small(fs)) }
}

func onDisk(t testing.TB) storetest.Open {
	c := small(vfs.Default)
	c.Dir = t.TempDir()
	return func() (store.KV, error) { return pebblestore.Open(c) }
}

func TestSuite(t *testing.T) {
	t.Run("in memory", func(t *testing.T) { storetest.Run(t, inMemory) })
	t.Run("on disk", func(t *testing.T) { storetest.Run(t, onDisk) })
}

func TestModel(t *testing.T) { storetest.RunModel(t, inMemory) }

type disk struct{ fs *vfs.MemFS }

func (d disk) Open() (store.KV, error) { return pebblestore.Open(small(d.fs)) }

func (d disk) Crash(seed uint64) storetest.Disk {
	return disk{d.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: int(seed % 101), RNG: rand.New(rand.NewPCG(seed, 0))})}
}

func TestPowerCuts(t *testing.T) {
	storetest.RunCrash(t, func() storetest.Disk { return disk{vfs.NewCrashableMem()} })
}

var errDisk = errors.New("injected: no space left on device")

// failingDisk lets n writes through and fails every later one.
type failingDisk struct {
	mu   sync.Mutex
	left int
	hits int
}

func (d *failingDisk) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead || op.Kind == errorfs.OpLock || op.Kind == errorfs.OpFileClose {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left > 0 {
		d.left--
		return nil
	}
	d.hits++
	return errDisk
}

func (d *failingDisk) String() string { return "failing disk" }

// Whatever write the disk refuses first: no call answers wrongly, nothing hangs, and what
// was synced before is there on the next start.
func TestEveryWriteFails(t *testing.T) {
	const commits = 60
	reached := false
	for allowed := 0; !reached; allowed++ {
		mem := vfs.NewCrashableMem()
		d := &failingDisk{left: allowed}
		synced, err := fill(small(errorfs.Wrap(mem, d)), commits)
		reached = err == nil
		if err != nil && !errors.Is(err, errDisk) {
			t.Fatalf("%d writes allowed: %v, want the disk's error", allowed, err)
		}
		if err == nil && synced != commits {
			t.Fatalf("%d writes allowed: no error, but only %d commits", allowed, synced)
		}
		for _, survivor := range []*vfs.MemFS{mem, mem.CrashClone(vfs.CrashCloneCfg{})} {
			kv, err := pebblestore.Open(small(survivor))
			if err != nil {
				t.Fatalf("%d writes allowed, reopen: %v", allowed, err)
			}
			found := 0
			for e, err := range kv.Ascend(nil, nil) {
				if err != nil {
					t.Fatal(err)
				}
				if want := fmt.Sprintf("%04d", found/2); !bytes.HasPrefix(e.Key, []byte(want)) {
					t.Fatalf("%d writes allowed: found %q, want both halves of %s", allowed, e.Key, want)
				}
				found++
			}
			if found%2 != 0 || found/2 < synced || found/2 > synced+1 {
				t.Errorf("%d writes allowed: %d entries on the disk after %d synced commits of two", allowed, found, synced)
			}
			if err := kv.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// fill commits until something fails, and checks that the store stays stopped.
func fill(c pebblestore.Config, commits int) (synced int, err error) {
	kv, err := pebblestore.Open(c)
	if err != nil {
		return 0, err
	}
	for ; synced < commits && err == nil; synced++ {
		b := kv.NewBatch()
		b.Put(fmt.Appendf(nil, "%04d left", synced), make([]byte, 3000))
		b.Put(fmt.Appendf(nil, "%04d right", synced), nil)
		if err = b.Commit(context.Background(), store.Sync); err != nil {
			break
		}
	}
	if err != nil {
		b := kv.NewBatch()
		b.Put([]byte("later"), nil)
		if again := b.Commit(context.Background(), store.NoSync); again == nil {
			err = errors.New("a later commit succeeded")
		}
		if _, _, again := kv.Get([]byte("0000 left")); again == nil {
			err = errors.New("a later read succeeded")
		}
	}
	if closeErr := kv.Close(); err == nil {
		err = closeErr
	}
	return synced, err
}

func TestFailureIsLoggedOnceAndNamed(t *testing.T) {
	var log bytes.Buffer
	d := &failingDisk{left: 1 << 30}
	c := small(errorfs.Wrap(vfs.NewMem(), d))
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	kv, err := pebblestore.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-kv.Failed():
		t.Error("it has failed before anything has")
	default:
	}
	if err := kv.Failure(); err != nil {
		t.Errorf("before anything has failed: %v", err)
	}
	d.mu.Lock()
	d.left = 0
	d.mu.Unlock()
	for range 3 {
		b := kv.NewBatch()
		b.Put([]byte("a"), nil)
		err = b.Commit(context.Background(), store.Sync)
		if !errors.Is(err, errDisk) || !strings.Contains(err.Error(), "pebblestore db: stopped after a failure") {
			t.Errorf("Commit: %v", err)
		}
	}
	<-kv.Failed()
	if err := kv.Failure(); !errors.Is(err, errDisk) || !strings.Contains(err.Error(), "pebblestore db: stopped after a failure") {
		t.Errorf("Failure: %v", err)
	}
	if err := kv.Close(); !errors.Is(err, errDisk) {
		t.Errorf("Close: %v, want the failure", err)
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), "mend the disk") {
		t.Errorf("%d error lines:\n%s", n, &log)
	}
}

func TestDamageIsRecognised(t *testing.T) {
	fs := vfs.NewMem()
	kv, err := pebblestore.Open(small(fs))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := fill(pebblestore.Config{Dir: "other", FS: fs}, 1); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	for i := range 200 {
		b := kv.NewBatch()
		b.Put(fmt.Appendf(nil, "%04d", i), bytes.Repeat([]byte{byte(i)}, 1000))
		if err := b.Commit(context.Background(), store.Sync); err != nil {
			t.Fatal(err)
		}
	}
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
	spoil(t, fs, "db", ".sst")
	if kv, err = pebblestore.Open(small(fs)); err == nil {
		for _, err = range kv.Ascend(nil, nil) {
			if err != nil {
				break
			}
		}
		_ = kv.Close()
	}
	if !store.IsCorruption(err) {
		t.Errorf("reading spoilt tables: %v, want a corruption error", err)
	}
}

// spoil flips a byte in the middle of every file with the suffix.
func spoil(t *testing.T, fs vfs.FS, dir, suffix string) {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	spoilt := 0
	for _, name := range names {
		if !strings.HasSuffix(name, suffix) {
			continue
		}
		path := fs.PathJoin(dir, name)
		f, err := fs.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		data[len(data)/3] ^= 0x40
		if f, err = fs.Create(path, vfs.WriteCategoryUnspecified); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(data); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		spoilt++
	}
	if spoilt == 0 {
		t.Fatalf("no %s file in %v", suffix, names)
	}
}

// hold opens a store and keeps it until standard input ends.
func hold(dir string) {
	kv, err := pebblestore.Open(pebblestore.Config{Dir: dir})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = kv.Close()
}

func TestSecondOwnerIsToldWhomToStop(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PEBBLESTORE_TEST_HOLD="+dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var line string
	if _, err := fmt.Fscanln(stdout, &line); err != nil || line != "held" {
		t.Fatal(line, err)
	}
	_, err = pebblestore.Open(pebblestore.Config{Dir: dir})
	if !errors.Is(err, pebblestore.ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", cmd.Process.Pid)) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second owner: %v, want the folder and process %d", err, cmd.Process.Pid)
	}
	if _, err = pebblestore.Open(pebblestore.Config{Dir: dir, ReadOnly: true}); !errors.Is(err, pebblestore.ErrInUse) {
		t.Errorf("one that only reads: %v, want that the folder is in use", err)
	}
	_ = stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	kv, err := pebblestore.Open(pebblestore.Config{Dir: dir})
	if err != nil {
		t.Fatalf("after the first has gone: %v", err)
	}
	defer func() { _ = kv.Close() }()
	if _, err = pebblestore.Open(pebblestore.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("second store in one process: %v", err)
	}
}

func TestConfigFaultsAreReportedTogether(t *testing.T) {
	_, err := pebblestore.Open(pebblestore.Config{CacheBytes: -1, MemTableBytes: 3})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"no folder", "cache of -1", "memory table of 3"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: lacks %q", err, want)
		}
	}
}

func TestUnwritableFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pebblestore.Open(pebblestore.Config{Dir: file}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("Open on a file: %v, want an error that names it", err)
	}
}

// A folder whose files cannot be opened has no owner whom to stop.
func TestUnwritableLockIsNoOwner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	lock := filepath.Join(dir, "LOCK")
	if err := os.MkdirAll(lock, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := pebblestore.Open(pebblestore.Config{Dir: dir})
	if err == nil || errors.Is(err, pebblestore.ErrInUse) || !strings.Contains(err.Error(), lock) {
		t.Errorf("a folder in the place of the lock: %v, want an error that names it", err)
	}
}

// Who only reads sees what a killed process has left, and leaves it so.
func TestReadOnly(t *testing.T) {
	crashing := vfs.NewCrashableMem()
	c := small(crashing)
	killed, err := pebblestore.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	const synced = 60
	for i := range synced {
		b := killed.NewBatch()
		b.Put(fmt.Appendf(nil, "%04d", i), make([]byte, 3000))
		if err := b.Commit(t.Context(), store.Sync); err != nil {
			t.Fatal(err)
		}
	}
	disk := crashing.CrashClone(vfs.CrashCloneCfg{})
	if err := killed.Close(); err != nil {
		t.Fatal(err)
	}
	c.FS, c.ReadOnly = disk, true
	before := listing(t, disk, c.Dir)
	kv, err := pebblestore.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	entries := 0
	for _, err := range kv.Ascend(nil, nil) {
		if err != nil {
			t.Fatal(err)
		}
		entries++
	}
	if entries != synced {
		t.Errorf("%d entries, want %d", entries, synced)
	}
	if _, err := pebblestore.Open(c); !errors.Is(err, pebblestore.ErrInUse) {
		t.Errorf("a second one: %v", err)
	}
	b := kv.NewBatch()
	b.Put([]byte("k"), nil)
	if err := b.Commit(t.Context(), store.Sync); err == nil {
		t.Error("it was written to")
	}
	if err := kv.Close(); err != nil {
		t.Error(err)
	}
	if after := listing(t, disk, c.Dir); after != before {
		t.Errorf("the folder had\n%s\nand has\n%s", before, after)
	}
	c.Dir = "none"
	if _, err := pebblestore.Open(c); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	if err := disk.MkdirAll("empty", 0o700); err != nil {
		t.Fatal(err)
	}
	c.Dir = "empty"
	if _, err := pebblestore.Open(c); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
}

// listing returns the files of a folder with their sizes, but for the lock.
func listing(t *testing.T, fs vfs.FS, dir string) string {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	var out strings.Builder
	for _, name := range names {
		info, err := fs.Stat(fs.PathJoin(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if name != "LOCK" {
			fmt.Fprintln(&out, name, info.Size())
		}
	}
	return out.String()
}

func BenchmarkCommit(b *testing.B) {
	kv, err := pebblestore.Open(pebblestore.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = kv.Close() }()
	value := make([]byte, 300)
	for _, d := range []store.Durability{store.Sync, store.NoSync} {
		b.Run(d.String(), func(b *testing.B) {
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for n := 0; pb.Next(); n++ {
					batch := kv.NewBatch()
					batch.Put(fmt.Appendf(nil, "%d", n), value)
					if err := batch.Commit(context.Background(), d); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
