package node

import (
	"crypto/rand"
	"path/filepath"
	"testing"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
)

// cameBy makes a node's folder whose keys came in a way that the log does not tell yet.
func cameBy(t *testing.T, way string) *Folder {
	t.Helper()
	signer, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "node")
	if err := Create(t.Context(), dir, Founding{Ledger: "aval.example/test", Member: "acme", Key: signer.Key}); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFolder(dir)
	if err == nil {
		err = f.keys.write(f.Keys, way)
	}
	if err == nil {
		f, err = OpenFolder(dir)
	}
	if err != nil || f.keys.Way() != way {
		t.Fatal(f.keys.Way(), err)
	}
	return f
}

// TestArchiveKeepsTheWay: an archive that is made between a recovery and its entry in the log restores, and the restored node still
// has to make that entry.
func TestArchiveKeepsTheWay(t *testing.T) {
	const passphrase = "four words of no importance"
	for _, way := range []string{domain.OpenedSealed, domain.OpenedByPeer, domain.OpenedByShares} {
		f, base := cameBy(t, way), t.TempDir()
		path := filepath.Join(base, "ledger.aval")
		if _, err := f.Export(t.Context(), path, passphrase, true, func(ledger.Progress, uint64) {}); err != nil {
			t.Fatal(err)
		}
		for name, archive := range map[string]Archive{
			"enclave": {Path: path, Platform: f.Platform}, "passphrase": {Path: path, Passphrase: passphrase},
		} {
			dir := filepath.Join(base, name)
			if _, err := archive.Restore(t.Context(), dir); err != nil {
				t.Errorf("%s, by %s: %v", way, name, err)
				continue
			}
			restored, err := OpenFolder(dir)
			if err != nil || restored.keys.Way() != way {
				t.Errorf("%s, by %s: came by %q, %v", way, name, restored.keys.Way(), err)
			}
		}
	}
}
