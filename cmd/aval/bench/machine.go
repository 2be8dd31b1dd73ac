package bench

import (
	"crypto/ed25519"
	"crypto/rand"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"aval/ledger/sqlite"
)

// Machine is what the machine can do at best, measured in the same run as the node.
type Machine struct {
	Cores int    `json:"cores"`
	Go    string `json:"go"`
	// VerifyOneCore and VerifyAllCores are Ed25519 verifications of 300 bytes a second.
	VerifyOneCore  float64 `json:"verify_per_second_one_core"`
	VerifyAllCores float64 `json:"verify_per_second_all_cores"`
	// FsyncP50 is the median of a 4 KiB append with fsync.
	FsyncP50 float64 `json:"fsync_p50_ms"`
	// SQLiteRows are rows of 300 bytes a second, 1,000 a transaction, in the node's own database mode.
	SQLiteRows float64 `json:"sqlite_rows_per_second"`
}

// sample is how long each figure is measured.
const sample = 500 * time.Millisecond

func measure(dir string) (Machine, error) {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version()}
	m.VerifyOneCore, m.VerifyAllCores = verifications(1), verifications(runtime.NumCPU())
	var err error
	if m.FsyncP50, err = fsyncs(filepath.Join(dir, "fsync")); err != nil {
		return m, err
	}
	m.SQLiteRows, err = sqlite.MeasureRows(filepath.Join(dir, "rows.db"), 1000, sample)
	return m, err
}

// verifications counts signatures verified a second by so many goroutines.
func verifications(workers int) float64 {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return 0
	}
	text := make([]byte, 300)
	signature := ed25519.Sign(private, text)
	var count atomic.Int64
	var group sync.WaitGroup
	began := time.Now()
	for range workers {
		group.Go(func() {
			for time.Since(began) < sample {
				if ed25519.Verify(public, text, signature) {
					count.Add(1)
				}
			}
		})
	}
	group.Wait()
	return float64(count.Load()) / time.Since(began).Seconds()
}

// fsyncs gives the median time of an append with fsync, in milliseconds.
func fsyncs(path string) (float64, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer os.Remove(path)
	defer f.Close()
	block := make([]byte, 4096)
	var all []time.Duration
	for began := time.Now(); time.Since(began) < sample; {
		start := time.Now()
		if _, err := f.Write(block); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		all = append(all, time.Since(start))
	}
	return percentile(sortDurations(all), 0.5), nil
}
