package node

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/enclave"
)

func newKeyFile(t *testing.T) *keyFile {
	t.Helper()
	dir := t.TempDir()
	platform, err := enclave.CreateSimulated(dir)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ledger.NewKeys("aval.example/test", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := &keyFile{path: filepath.Join(dir, keysFile), platform: platform, keys: keys, way: domain.OpenedByShares}
	if err := k.write(keys, k.way); err != nil {
		t.Fatal(err)
	}
	return k
}

// TestNextKeyIsOnDiskFirst: a key that was given out is in the file, beside all before it; and what a process
// that died while writing left is in nobody's way.
func TestNextKeyIsOnDiskFirst(t *testing.T) {
	k := newKeyFile(t)
	for number := uint32(2); number < 5; number++ {
		if err := os.WriteFile(k.path+".next", []byte("half a file"), 0o600); err != nil {
			t.Fatal(err)
		}
		given, err := k.Next(number)
		if err != nil {
			t.Fatal(err)
		}
		again, err := openKeyFile(k.path, k.platform)
		if err != nil {
			t.Fatal(err)
		}
		epochs := again.Keys().Epochs
		if len(epochs) != int(number) || string(epochs[number-1].Key) != string(given.Key) || again.Way() != domain.OpenedByShares {
			t.Fatalf("epoch %d: %d on disk, opened by %s", number, len(epochs), again.Way())
		}
	}
	if _, err := k.Next(4); err == nil {
		t.Error("made a key for an epoch that has one")
	}
	if err := k.Recorded(); err != nil {
		t.Fatal(err)
	}
	if again, err := openKeyFile(k.path, k.platform); err != nil || again.Way() != domain.OpenedSealed {
		t.Errorf("recorded, and opened by %s, %v", again.Way(), err)
	}
}

// TestNoKeyWithoutItsFile: a key that cannot be kept is not given out.
func TestNoKeyWithoutItsFile(t *testing.T) {
	k := newKeyFile(t)
	before := k.Keys()
	if err := os.Mkdir(k.path+".next", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(k.path+".next", "in the way"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Next(2); err == nil {
		t.Fatal("given out")
	}
	if again, err := openKeyFile(k.path, k.platform); err != nil || len(again.Keys().Epochs) != 1 || k.Keys() != before {
		t.Errorf("the file changed: %v", err)
	}
}
