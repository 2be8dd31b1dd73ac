package enclave_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"aval/ledger/enclave"
)

func TestSealedForPurposeAndPlatform(t *testing.T) {
	dir := t.TempDir()
	p, err := enclave.CreateSimulated(dir)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := p.Seal("keys", []byte("secret"))
	if err != nil || bytes.Contains(sealed, []byte("secret")) {
		t.Fatalf("%q, %v", sealed, err)
	}
	again, err := enclave.OpenSimulated(dir)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := again.Unseal("keys", sealed); err != nil || string(data) != "secret" {
		t.Errorf("%q, %v", data, err)
	}
	other, err := enclave.CreateSimulated(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"other purpose":  func() ([]byte, error) { return p.Unseal("oracle", sealed) },
		"other platform": func() ([]byte, error) { return other.Unseal("keys", sealed) },
		"changed":        func() ([]byte, error) { return p.Unseal("keys", changed) },
		"cut":            func() ([]byte, error) { return p.Unseal("keys", sealed[:5]) },
		"empty":          func() ([]byte, error) { return p.Unseal("keys", nil) },
	} {
		if data, err := open(); err == nil {
			t.Errorf("%s: opened as %q", name, data)
		}
	}
}

func TestSimulatedKeyFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := enclave.OpenSimulated(dir); err == nil {
		t.Error("opened without a key")
	}
	if _, err := enclave.CreateSimulated(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := enclave.CreateSimulated(dir); err == nil {
		t.Error("made a second key over the first")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(files[0], []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := enclave.OpenSimulated(dir); err == nil {
		t.Error("opened with a damaged key")
	}
}
