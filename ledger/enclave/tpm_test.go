package enclave

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aval/domain/canon"
	"aval/ledger/enclave/tpmtest"

	"github.com/google/go-tpm/tpm2"
)

// program makes a file that stands for a release.
func program(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aval")
	if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// startTPM opens the emulator's TPM as a program with that content.
func startTPM(t testing.TB, e *tpmtest.Emulator, content string, boot ...uint) *TPM {
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

// onTPM uses the device directly.
func onTPM(t testing.TB, p *TPM, do func(*tpmUse) error) {
	t.Helper()
	if err := p.use(do); err != nil {
		t.Fatal(err)
	}
}

func extend(t testing.TB, p *TPM, pcr uint, content string) {
	t.Helper()
	digest := sha256.Sum256([]byte(content))
	onTPM(t, p, func(u *tpmUse) error {
		_, err := tpm2.PCRExtend{
			PCRHandle: tpm2.AuthHandle{Handle: tpm2.TPMHandle(pcr), Auth: tpm2.PasswordAuth(nil)},
			Digests:   tpm2.TPMLDigestValues{Digests: []tpm2.TPMTHA{{HashAlg: tpm2.TPMAlgSHA256, Digest: digest[:]}}},
		}.Execute(u.TPM)
		return err
	})
}

func sealed(t testing.TB, p *TPM, secret string) []byte {
	t.Helper()
	s, err := p.Seal("keys", []byte(secret))
	if err != nil || bytes.Contains(s, []byte(secret)) {
		t.Fatalf("sealed %q, %v", s, err)
	}
	return s
}

func opens(t testing.TB, name string, p *TPM, sealed []byte, want string) {
	t.Helper()
	if got, err := p.Unseal("keys", sealed); err != nil || string(got) != want {
		t.Errorf("%s: %q, %v", name, got, err)
	}
}

func refuses(t testing.TB, name string, p *TPM, purpose string, sealed []byte) {
	t.Helper()
	if got, err := p.Unseal(purpose, sealed); !errors.Is(err, ErrTPMSealed) || got != nil {
		t.Errorf("%s: %q, %v", name, got, err)
	}
}

func TestTPMSealsToBinary(t *testing.T) {
	e := tpmtest.Start(t)
	one := startTPM(t, e, "release 1")
	secret := strings.Repeat("secret", 100)
	s := sealed(t, one, secret)
	opens(t, "same process", one, s, secret)
	opens(t, "restarted", startTPM(t, e, "release 1"), s, secret)
	refuses(t, "changed binary", startTPM(t, e, "release 2"), "keys", s)
	opens(t, "the first again", one, s, secret)
	e.Reboot(t)
	opens(t, "after a reboot", startTPM(t, e, "release 1"), s, secret)
	refuses(t, "changed binary after a reboot", startTPM(t, e, "release 2"), "keys", s)
	refuses(t, "other purpose", one, "oracle", s)
	refuses(t, "other machine", startTPM(t, tpmtest.Start(t), "release 1"), "keys", s)
	for i := range s {
		changed := bytes.Clone(s)
		changed[i] ^= 1
		if i%17 == 0 || i > len(s)-3 { // the TPM takes a while for each
			refuses(t, "changed", one, "keys", changed)
		}
	}
	refuses(t, "cut", one, "keys", s[:len(s)-1])
	refuses(t, "trailing", one, "keys", append(bytes.Clone(s), 0))
	refuses(t, "empty", one, "keys", nil)
}

// The TPM refuses by itself whoever holds the sealed object, but was not measured as the release: under another
// policy, and under the empty password.
func TestTPMItselfRefuses(t *testing.T) {
	e := tpmtest.Start(t)
	one := startTPM(t, e, "release 1")
	s, err := parseTPMSealed(sealed(t, one, "secret"))
	if err != nil {
		t.Fatal(err)
	}
	two := startTPM(t, e, "release 2")
	onTPM(t, two, func(u *tpmUse) error {
		parent, err := u.storageKey()
		if err != nil {
			return err
		}
		for name, pcrs := range map[string][]uint{"its own register": {TPMBinaryPCR}, "another register": {16}, "none": {}} {
			if key, err := u.unsealUnder(parent, s.Slots[0], pcrs); !errors.Is(err, tpm2.TPMRCPolicyFail) {
				t.Errorf("%s: %x, %v", name, key, err)
			}
		}
		public, err := parseTPM[tpm2.TPMTPublic](s.Slots[0].Public)
		if err != nil {
			return err
		}
		loaded, err := tpm2.Load{
			ParentHandle: tpm2.AuthHandle{Handle: parent.Handle, Name: parent.Name, Auth: tpm2.PasswordAuth(nil)},
			InPrivate:    tpm2.TPM2BPrivate{Buffer: s.Slots[0].Private}, InPublic: tpm2.New2B(*public),
		}.Execute(u.TPM)
		if err != nil {
			return err
		}
		defer u.flushOne(loaded.ObjectHandle)
		item := tpm2.AuthHandle{Handle: loaded.ObjectHandle, Name: loaded.Name, Auth: tpm2.PasswordAuth(nil)}
		if opened, err := (tpm2.Unseal{ItemHandle: item}).Execute(u.TPM); !errors.Is(err, tpm2.TPMRCAuthUnavailable) {
			t.Errorf("the empty password: %v, %v", opened, err)
		}
		return nil
	})
}

func TestTPMSealsToBoot(t *testing.T) {
	e := tpmtest.Start(t)
	p := startTPM(t, e, "release 1", 4, 7)
	extend(t, p, 7, "Secure Boot on")
	s := sealed(t, p, "secret")
	opens(t, "same boot", p, s, "secret")
	extend(t, p, 7, "and something else")
	refuses(t, "other boot", p, "keys", s)
	e.Reboot(t)
	refuses(t, "nothing measured", p, "keys", s)
	extend(t, p, 7, "Secure Boot on")
	opens(t, "the same boot again", p, s, "secret")
}

// A roll-over: the running release lets the next one in, both open, then the next one shuts the first out.
func TestTPMReseal(t *testing.T) {
	e := tpmtest.Start(t)
	digest, err := MeasureBinary(program(t, "release 2"))
	if err != nil {
		t.Fatal(err)
	}
	next := Release{Binary: digest}
	one := startTPM(t, e, "release 1")
	first := sealed(t, one, "secret")
	both, err := one.Reseal("keys", first, next)
	if err != nil {
		t.Fatal(err)
	}
	opens(t, "the running release", one, both, "secret")
	two := startTPM(t, e, "release 2")
	opens(t, "the next", two, both, "secret")
	refuses(t, "the next, from before", two, "keys", first)
	refuses(t, "a third", startTPM(t, e, "release 3"), "keys", both)
	last, err := two.Reseal("keys", both)
	if err != nil {
		t.Fatal(err)
	}
	opens(t, "the next alone", two, last, "secret")
	refuses(t, "the first, shut out", one, "keys", last)
	for name, err := range map[string]error{
		"by a release that is not let in": second(startTPM(t, e, "release 3").Reseal("keys", both, next)),
		"for another purpose":             second(two.Reseal("oracle", both, next)),
		"no secret":                       second(two.Reseal("keys", nil, next)),
	} {
		if !errors.Is(err, ErrTPMSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := two.Reseal("keys", both, next, next); err == nil || !strings.Contains(err.Error(), "limit 2") {
		t.Errorf("too many: %v", err)
	}
	s, err := parseTPMSealed(both)
	if err != nil {
		t.Fatal(err)
	}
	s.Slots = append(s.Slots, s.Slots[0])
	many, err := canon.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, "three slots", one, "keys", many)
}

// What is sealed later, as a rotated key, goes to the same releases; and nobody adds one by hand.
func TestTPMSealLike(t *testing.T) {
	e := tpmtest.Start(t)
	digest, err := MeasureBinary(program(t, "release 2"))
	if err != nil {
		t.Fatal(err)
	}
	one, two := startTPM(t, e, "release 1"), startTPM(t, e, "release 2")
	both, err := one.Reseal("keys", sealed(t, one, "secret"), Release{Binary: digest})
	if err != nil {
		t.Fatal(err)
	}
	later, err := one.SealLike("keys", []byte("later"), both)
	if err != nil {
		t.Fatal(err)
	}
	opens(t, "the running release", one, later, "later")
	opens(t, "the next", two, later, "later")
	refuses(t, "a third", startTPM(t, e, "release 3"), "keys", later)
	if _, err := one.SealLike("keys", []byte("later"), both[1:]); !errors.Is(err, ErrTPMSealed) {
		t.Errorf("like a heap of bytes: %v", err)
	}
	s, err := parseTPMSealed(sealed(t, one, "secret"))
	if err != nil {
		t.Fatal(err)
	}
	intruder, err := parseTPMSealed(sealed(t, startTPM(t, e, "intruder"), "nothing"))
	if err != nil {
		t.Fatal(err)
	}
	s.Slots = append(s.Slots, intruder.Slots[0])
	added, err := canon.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, "a slot that was added", one, "keys", added)
}

// The next image, with another kernel and another binary, opens what was sealed before it was booted.
func TestTPMResealForNextBoot(t *testing.T) {
	e := tpmtest.Start(t)
	one := startTPM(t, e, "release 1", 7, 11)
	extend(t, one, 7, "Secure Boot on")
	extend(t, one, 11, "image 1")
	first := sealed(t, one, "secret")
	image := sha256.Sum256([]byte("image 2"))
	next := Release{Binary: sha256.Sum256([]byte("release 2")), Boot: map[uint][sha256.Size]byte{11: extended(image)}}
	both, err := one.Reseal("keys", first, next)
	if err != nil {
		t.Fatal(err)
	}
	opens(t, "the running image", one, both, "secret")
	refuses(t, "the next release in the old image", startTPM(t, e, "release 2", 7, 11), "keys", both)
	e.Reboot(t)
	two := startTPM(t, e, "release 2", 7, 11)
	extend(t, two, 7, "Secure Boot on")
	extend(t, two, 11, "image 2")
	opens(t, "the next image", two, both, "secret")
	refuses(t, "the next image, from before", two, "keys", first)
	refuses(t, "the old release in the next image", startTPM(t, e, "release 1", 7, 11), "keys", both)
	next.Boot = map[uint][sha256.Size]byte{4: image}
	if _, err := two.Reseal("keys", both, next); err == nil || !strings.Contains(err.Error(), "register 4 is not one that secrets here are sealed to") {
		t.Errorf("a register that does not count: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// What goes over the wires to the TPM does not show the key of the secret.
func TestTPMWiresAreEncrypted(t *testing.T) {
	e := tpmtest.Start(t)
	wire, recorded := e.Tap(t)
	p, err := newTPM(TPMConfig{Device: wire}, program(t, "release 1"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := parseTPMSealed(sealed(t, p, "secret"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := p.unsealKey(s)
	if err != nil {
		t.Fatal(err)
	}
	if traffic := recorded(); len(traffic) < 1000 || bytes.Contains(traffic, key) {
		t.Errorf("%d bytes of traffic, with the key in them: %v", len(traffic), bytes.Contains(traffic, key))
	} else if !bytes.Contains(traffic, p.binary[:]) {
		t.Error("the tap hears nothing: the binary's digest goes in the clear")
	}
}

func TestTPMConfig(t *testing.T) {
	for name, c := range map[string]TPMConfig{
		"register of the binary": {Boot: []uint{23}},
		"falling":                {Boot: []uint{7, 4}},
		"twice":                  {Boot: []uint{7, 7}},
		"too many":               {Boot: make([]uint, 17)},
		"no device":              {Device: "/nowhere"},
		"a file":                 {Device: program(t, "x")},
		"a folder":               {Device: t.TempDir()},
		"a device, but no TPM":   {Device: "/dev/null"},
	} {
		if _, err := newTPM(c, ownBinary); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	if _, err := newTPM(TPMConfig{Device: "/nowhere"}, ownBinary); !errors.Is(err, ErrNoTPM) {
		t.Errorf("no device: %v", err)
	}
}

func TestTPMFolder(t *testing.T) {
	e := tpmtest.Start(t)
	dir := t.TempDir()
	if _, err := OpenTPM(dir); err == nil {
		t.Error("opened a folder without a configuration")
	}
	p, err := CreateTPM(dir, TPMConfig{Device: e.Socket})
	if err != nil {
		t.Fatal(err)
	}
	if own, err := MeasureBinary("/proc/self/exe"); err != nil || p.binary != own {
		t.Errorf("measured %x, %v", p.binary, err)
	}
	s := sealed(t, p, "secret")
	again, err := OpenTPM(dir)
	if err != nil {
		t.Fatal(err)
	}
	opens(t, "opened again", again, s, "secret")
	if _, err := CreateTPM(dir, TPMConfig{Device: e.Socket}); err == nil {
		t.Error("made a second configuration over the first")
	}
	for name, content := range map[string]string{"unknown": `{"bot":[7]}`, "two": `{}{}`, "long": strings.Repeat(" ", maxTPMConfigFile) + "{}"} {
		if err := os.WriteFile(filepath.Join(dir, tpmConfigFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenTPM(dir); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}
