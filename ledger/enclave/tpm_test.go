package enclave

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"aval/ledger/enclave/tpmtest"
)

// at is a time at which the emulator's certificates are valid.
func now() time.Time { return time.Now().Add(time.Hour) }

// program makes a file that stands for a release.
func program(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aval")
	if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// startTPM opens the emulator's TPM as a program with that content.
func startTPM(t *testing.T, e *tpmtest.Emulator, content string, boot ...uint) *TPM {
	t.Helper()
	p, err := newTPM(TPMConfig{Device: e.Socket, Boot: boot}, program(t, content))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, tpmChainFile), e.Chain, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.readChain(dir); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTPMSealsToBinary(t *testing.T) {
	e := tpmtest.Start(t)
	one := startTPM(t, e, "release 1")
	secret := bytes.Repeat([]byte("secret"), 100)
	sealed, err := one.Seal("keys", secret)
	if err != nil || bytes.Contains(sealed, []byte("secret")) {
		t.Fatal(err)
	}
	opens := func(name string, p *TPM) {
		t.Helper()
		if got, err := p.Unseal("keys", sealed); err != nil || !bytes.Equal(got, secret) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	refuses := func(name string, p *TPM, purpose string, sealed []byte) {
		t.Helper()
		if got, err := p.Unseal(purpose, sealed); !errors.Is(err, ErrTPMSealed) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	opens("same process", one)
	opens("restarted", startTPM(t, e, "release 1"))
	two := startTPM(t, e, "release 2")
	refuses("changed binary", two, "keys", sealed)
	opens("the first again", one)
	e.Reboot(t)
	opens("after a reboot", startTPM(t, e, "release 1"))
	refuses("changed binary after a reboot", startTPM(t, e, "release 2"), "keys", sealed)
	refuses("other purpose", one, "oracle", sealed)
	refuses("other machine", startTPM(t, tpmtest.Start(t), "release 1"), "keys", sealed)
}

func TestTPMQuote(t *testing.T) {
	e := tpmtest.Start(t)
	p := startTPM(t, e, "release 1")
	evidence, err := p.quote([64]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	policy := TPMPolicy{Roots: string(e.Roots), UnmeasuredBoot: true}
	key, challenge, want, err := ChallengeTPM(evidence, policy, now())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Answer(challenge); err != nil || got != want {
		t.Fatal(got, err)
	}
	policy.Keys = []TPMKey{key}
	a, err := appraiseTPM(evidence, policy, [64]byte{1}, now())
	t.Logf("%+v, %d bytes, %v", a, len(evidence), err)
	if err != nil || a.Binary != p.binary {
		t.Fatal(err)
	}
}
