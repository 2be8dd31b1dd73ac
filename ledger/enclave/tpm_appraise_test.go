package enclave

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
	"time"

	"aval/domain/canon"
	"aval/ledger/enclave/tpmtest"

	"github.com/google/go-tpm/tpm2"
)

// The report that the tests' quotes are about.
var report = [64]byte{1, 2, 3}

// soon is a time at which certificates that were made now are valid.
func soon() time.Time { return time.Now().Add(time.Hour) }

// quoted makes evidence and the policy that trusts it, its boot unmeasured.
func quoted(t testing.TB, e *tpmtest.Emulator, p *TPM) (tpmEvidence, TPMPolicy) {
	t.Helper()
	data, err := p.Quote(report)
	if err != nil {
		t.Fatal(err)
	}
	draft, challenge, want, err := ChallengeTPM(data, string(e.Roots), report, soon())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Answer(challenge); err != nil || got != want {
		t.Fatalf("%x, %v, want %x", got, err, want)
	}
	policy := TPMPolicy{Roots: string(e.Roots), UnmeasuredBoot: true, Keys: draft.TPM.Keys}
	parsed, err := parseTPMEvidence(data.Evidence)
	if err != nil {
		t.Fatal(err)
	}
	return parsed, policy
}

func encode(t testing.TB, e tpmEvidence) []byte {
	t.Helper()
	data, err := canon.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func quoteOf(t testing.TB, e tpmEvidence) Quote {
	t.Helper()
	return Quote{Platform: TPMName, Evidence: encode(t, e)}
}

// requote lets the TPM quote again, over other registers or with another key.
func requote(t testing.TB, p *TPM, e tpmEvidence, template tpm2.TPMTPublic, hierarchy tpm2.TPMHandle, pcrs ...uint) tpmEvidence {
	t.Helper()
	e.Registers = nil
	onTPM(t, p, func(u *tpmUse) error {
		key, err := u.primary(hierarchy, template)
		if err != nil {
			return err
		}
		return u.quoteInto(&e, key, pcrs, report)
	})
	return e
}

func TestTPMQuoteGenuine(t *testing.T) {
	e := tpmtest.Start(t)
	p := startTPM(t, e, "release 1")
	evidence, policy := quoted(t, e, p)
	a, err := appraiseTPM(encode(t, evidence), policy, report, Times{At: soon()})
	if err != nil || a.Binary != sha256.Sum256([]byte("release 1")) || a.BootTrusted || a.Key != policy.Keys[0] {
		t.Errorf("%+v, %v", a, err)
	}
	e.Reboot(t)
	after, _ := quoted(t, e, startTPM(t, e, "release 1"))
	b, err := appraiseTPM(encode(t, after), policy, report, Times{At: soon()})
	if err != nil || b.Resets <= a.Resets {
		t.Errorf("after a reboot: %+v, %v, want the same key and more than %d resets", b, err, a.Resets)
	}
	if b.Binary != a.Binary || b.Key != a.Key {
		t.Errorf("after a reboot: %+v, want %+v", b, a)
	}
}

// Every part of a quote counts.
func TestTPMQuoteAltered(t *testing.T) {
	e := tpmtest.Start(t)
	evidence, policy := quoted(t, e, startTPM(t, e, "release 1"))
	data := encode(t, evidence)
	for i := 0; i < len(data); i += 3 { // all of them take too long under the race detector
		changed := bytes.Clone(data)
		changed[i] ^= 1 << (i % 8)
		if _, err := appraiseTPM(changed, policy, report, Times{At: soon()}); err == nil {
			t.Errorf("accepted with byte %d of %d changed", i, len(data))
		}
		if i%16 < 3 {
			if _, err := appraiseTPM(data[:i], policy, report, Times{At: soon()}); !errors.Is(err, ErrTPMEvidence) {
				t.Errorf("cut to %d bytes: %v", i, err)
			}
		}
	}
}

func TestTPMQuoteRefused(t *testing.T) {
	e, other := tpmtest.Start(t), tpmtest.Start(t)
	running := startTPM(t, e, "release 1")
	good, policy := quoted(t, e, running)
	foreign, foreignPolicy := quoted(t, other, startTPM(t, other, "release 1"))
	for name, c := range map[string]struct {
		change func(*tpmEvidence, *TPMPolicy)
		want   error
	}{
		"nothing":                   {func(*tpmEvidence, *TPMPolicy) {}, nil},
		"other version":             {func(e *tpmEvidence, _ *TPMPolicy) { e.Version = 2 }, ErrTPMEvidence},
		"bytes after the statement": {func(e *tpmEvidence, _ *TPMPolicy) { e.Attest = append(e.Attest, 0) }, ErrTPMEvidence},
		"bytes after the signature": {func(e *tpmEvidence, _ *TPMPolicy) { e.Signature = append(e.Signature, 0) }, ErrTPMEvidence},
		"bytes after the key":       {func(e *tpmEvidence, _ *TPMPolicy) { e.Key = append(e.Key, 0) }, ErrTPMEvidence},
		"bytes after a certificate": {func(e *tpmEvidence, _ *TPMPolicy) { e.Endorsement[0] = append(e.Endorsement[0], 0) }, ErrTPMChain},
		"other magic":               {func(e *tpmEvidence, _ *TPMPolicy) { e.Attest[0] ^= 1 }, ErrTPMSignature},
		"no statement":              {func(e *tpmEvidence, _ *TPMPolicy) { e.Attest = nil }, ErrTPMEvidence},
		"no signature":              {func(e *tpmEvidence, _ *TPMPolicy) { e.Signature = nil }, ErrTPMEvidence},
		"no key":                    {func(e *tpmEvidence, _ *TPMPolicy) { e.Key = nil }, ErrTPMEvidence},
		"no certificate":            {func(e *tpmEvidence, _ *TPMPolicy) { e.Endorsement = nil }, ErrTPMEvidence},
		"no registers":              {func(e *tpmEvidence, _ *TPMPolicy) { e.Registers = nil }, ErrTPMEvidence},
		"other statement":           {func(e *tpmEvidence, _ *TPMPolicy) { e.Attest[len(e.Attest)-1] ^= 1 }, ErrTPMSignature},
		"other clock":               {func(e *tpmEvidence, _ *TPMPolicy) { e.Attest[90] ^= 1 }, ErrTPMSignature},
		"other signature":           {func(e *tpmEvidence, _ *TPMPolicy) { e.Signature[len(e.Signature)-1] ^= 1 }, ErrTPMSignature},
		"another TPM's key":         {func(e *tpmEvidence, _ *TPMPolicy) { e.Key = foreign.Key }, ErrTPMSignature},
		"another TPM's certificate": {func(e *tpmEvidence, p *TPMPolicy) { e.Endorsement, p.Roots = foreign.Endorsement, foreignPolicy.Roots }, ErrTPMUnknown},
		"another TPM's quote":       {func(e *tpmEvidence, _ *TPMPolicy) { *e = foreign }, ErrTPMChain},
		"another TPM, root trusted": {func(e *tpmEvidence, p *TPMPolicy) { *e, p.Roots = foreign, foreignPolicy.Roots }, ErrTPMUnknown},
		"other binary":              {func(e *tpmEvidence, _ *TPMPolicy) { e.Binary[0] ^= 1 }, ErrTPMRegisters},
		"other binary and register": {func(e *tpmEvidence, _ *TPMPolicy) { lie(e) }, ErrTPMRegisters},
		"other register":            {func(e *tpmEvidence, _ *TPMPolicy) { e.Registers[0].Value[0] ^= 1 }, ErrTPMRegisters},
		"a register more than quoted": {func(e *tpmEvidence, _ *TPMPolicy) {
			e.Registers = slices.Insert(e.Registers, 0, tpmRegister{7, make([]byte, 32)})
		}, ErrTPMRegisters},
		"a program beside the release": {func(e *tpmEvidence, _ *TPMPolicy) { *e = beside(t, running, *e) }, ErrTPMRegisters},
		"a root of somebody else":      {func(_ *tpmEvidence, p *TPMPolicy) { p.Roots = foreignPolicy.Roots }, ErrTPMChain},
		"no root":                      {func(_ *tpmEvidence, p *TPMPolicy) { p.Roots = "" }, ErrTPMChain},
		"without what lies between":    {func(e *tpmEvidence, _ *TPMPolicy) { e.Endorsement = e.Endorsement[:1] }, ErrTPMChain},
		"not enrolled":                 {func(_ *tpmEvidence, p *TPMPolicy) { p.Keys = foreignPolicy.Keys }, ErrTPMUnknown},
		"enrolled for another TPM":     {func(_ *tpmEvidence, p *TPMPolicy) { p.Keys[0].Endorsement = foreignPolicy.Keys[0].Endorsement }, ErrTPMUnknown},
		"no revocation list":           {func(_ *tpmEvidence, p *TPMPolicy) { p.RequireRevocation = true }, ErrTPMChain},
		"old firmware":                 {func(_ *tpmEvidence, p *TPMPolicy) { p.Firmware = 1<<64 - 1 }, ErrTCB},
		"boot not measured":            {func(_ *tpmEvidence, p *TPMPolicy) { p.UnmeasuredBoot = false }, ErrTPMBoot},
	} {
		evidence, policy := deepCopy(t, good), policy
		policy.Keys = slices.Clone(policy.Keys)
		c.change(&evidence, &policy)
		if _, err := appraiseTPM(encode(t, evidence), policy, report, Times{At: soon()}); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	data := encode(t, good)
	for name, c := range map[string]struct {
		data   []byte
		report [64]byte
		at     time.Time
		want   error
	}{
		"stale nonce":        {data, [64]byte{9}, soon(), ErrReportData},
		"trailing bytes":     {append(bytes.Clone(data), 0), report, soon(), ErrTPMEvidence},
		"too long":           {make([]byte, MaxEvidence+1), report, soon(), ErrTPMEvidence},
		"before certificate": {data, report, time.Now().Add(-240 * time.Hour), ErrTPMChain},
	} {
		if _, err := appraiseTPM(c.data, policy, c.report, Times{At: c.at}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// beside quotes after another program was measured on top of the running one.
func beside(t testing.TB, p *TPM, e tpmEvidence) tpmEvidence {
	t.Helper()
	e.Registers = nil
	onTPM(t, p, func(u *tpmUse) error {
		_, err := tpm2.PCRExtend{
			PCRHandle: tpm2.AuthHandle{Handle: TPMBinaryPCR, Auth: tpm2.PasswordAuth(nil)},
			Digests:   tpm2.TPMLDigestValues{Digests: []tpm2.TPMTHA{{HashAlg: tpm2.TPMAlgSHA256, Digest: e.Binary}}},
		}.Execute(u.TPM)
		if err != nil {
			return err
		}
		key, err := u.attestationKey()
		if err != nil {
			return err
		}
		return u.quoteInto(&e, key, []uint{TPMBinaryPCR}, report)
	})
	return e
}

func deepCopy(t testing.TB, e tpmEvidence) tpmEvidence {
	t.Helper()
	copied, err := parseTPMEvidence(encode(t, e))
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

// lie shows another binary, and a register that would follow from it.
func lie(e *tpmEvidence) {
	e.Binary[0] ^= 1
	value := extended([32]byte(e.Binary))
	e.Registers[len(e.Registers)-1].Value = value[:]
}

func TestTPMBoot(t *testing.T) {
	e := tpmtest.Start(t)
	p := startTPM(t, e, "release 1", 4, 7)
	extend(t, p, 7, "Secure Boot on")
	evidence, policy := quoted(t, e, p)
	policy.UnmeasuredBoot = false
	seven := hex.EncodeToString(evidence.Registers[1].Value)
	zeros := hex.EncodeToString(make([]byte, 32))
	for name, c := range map[string]struct {
		boots []map[string]string
		want  error
	}{
		"the register":           {[]map[string]string{{"7": seven}}, nil},
		"one of two boots":       {[]map[string]string{{"7": zeros}, {"7": seven}}, nil},
		"other value":            {[]map[string]string{{"7": "00" + seven[2:]}}, ErrTPMBoot},
		"also one not quoted":    {[]map[string]string{{"7": seven, "2": seven}}, ErrTPMBoot},
		"also one that is empty": {[]map[string]string{{"7": seven, "4": zeros}}, ErrTPMBoot},
		"a boot of nothing":      {[]map[string]string{{}}, ErrTPMBoot},
		"none":                   {nil, ErrTPMBoot},
	} {
		policy.Boots = c.boots
		a, err := appraiseTPM(encode(t, evidence), policy, report, Times{At: soon()})
		if !errors.Is(err, c.want) || a.BootTrusted != (c.want == nil) {
			t.Errorf("%s: %+v, %v, want %v", name, a, err, c.want)
		}
	}
}
