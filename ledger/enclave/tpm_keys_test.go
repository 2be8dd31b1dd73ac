package enclave

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"

	"aval/ledger/enclave/tpmtest"

	"github.com/google/go-tpm/tpm2"
)

// Keys of the same TPM that would sign or could be had by others, and its true statements that are not quotes.
func TestTPMOtherKeys(t *testing.T) {
	e := tpmtest.Start(t)
	p := startTPM(t, e, "release 1")
	good, policy := quoted(t, e, p)
	unlike := func(change func(*tpm2.TPMTPublic)) tpm2.TPMTPublic {
		template := akTemplate()
		change(&template)
		return template
	}
	owner, err := tpm2.ObjectName(second2(tpm2.Unmarshal[tpm2.TPMTPublic](requote(t, p, good, akTemplate(), tpm2.TPMRHOwner, TPMBinaryPCR).Key)))
	if err != nil {
		t.Fatal(err)
	}
	policy.Keys = append(policy.Keys, TPMKey{hex.EncodeToString(owner.Buffer), policy.Keys[0].Endorsement})
	for name, c := range map[string]struct {
		template  tpm2.TPMTPublic
		hierarchy tpm2.TPMHandle
		want      error
	}{
		"as it should be": {akTemplate(), tpm2.TPMRHEndorsement, nil},
		"not restricted":  {unlike(func(k *tpm2.TPMTPublic) { k.ObjectAttributes.Restricted = false }), tpm2.TPMRHEndorsement, ErrTPMKey},
		"may leave the TPM": {unlike(func(k *tpm2.TPMTPublic) {
			k.ObjectAttributes.FixedTPM, k.ObjectAttributes.FixedParent = false, false
		}), tpm2.TPMRHEndorsement, ErrTPMKey},
		"other curve": {unlike(func(k *tpm2.TPMTPublic) {
			k.Parameters = tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{CurveID: tpm2.TPMECCNistP384, Scheme: tpm2.TPMTECCScheme{
				Scheme: tpm2.TPMAlgECDSA, Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSigSchemeECDSA{HashAlg: tpm2.TPMAlgSHA256}),
			}})
		}), tpm2.TPMRHEndorsement, ErrTPMKey},
		"of the owner": {akTemplate(), tpm2.TPMRHOwner, ErrTPMStatement},
	} {
		evidence := requote(t, p, good, c.template, c.hierarchy, TPMBinaryPCR)
		if _, err := appraiseTPM(encode(t, evidence), policy, report, Times{At: soon()}); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	debug := requote(t, p, good, akTemplate(), tpm2.TPMRHEndorsement, 16)
	debug.Registers = good.Registers
	if _, err := appraiseTPM(encode(t, debug), policy, report, Times{At: soon()}); !errors.Is(err, ErrTPMRegisters) {
		t.Errorf("the debug register in place of the binary's: %v", err)
	}
	if _, err := appraiseTPM(encode(t, statedTime(t, p, good)), policy, report, Times{At: soon()}); !errors.Is(err, ErrTPMStatement) {
		t.Errorf("the time in place of a quote: %v", err)
	}
	if _, err := appraiseTPM(encode(t, software(t, good, tpm2.TPMGeneratedValue)), policy, report, Times{At: soon()}); !errors.Is(err, ErrTPMUnknown) {
		t.Errorf("a key outside of any TPM that claims to be inside: %v", err)
	}
	if _, err := appraiseTPM(encode(t, software(t, good, 7)), policy, report, Times{At: soon()}); !errors.Is(err, ErrTPMStatement) {
		t.Errorf("signed without the magic of what a TPM made: %v", err)
	}
}

func second2[T any](v T, _ error) T { return v }

// statedTime lets the attestation key sign the TPM's clock, with the report in the same place.
func statedTime(t *testing.T, p *TPM, e tpmEvidence) tpmEvidence {
	onTPM(t, p, func(u *tpmUse) error {
		key, err := u.attestationKey()
		if err != nil {
			return err
		}
		nonce := tpmQualifying(report)
		stated, err := tpm2.GetTime{
			PrivacyAdminHandle: tpm2.TPMRHEndorsement,
			SignHandle:         tpm2.AuthHandle{Handle: key.Handle, Name: key.Name, Auth: tpm2.PasswordAuth(nil)},
			QualifyingData:     tpm2.TPM2BData{Buffer: nonce[:]},
			InScheme:           tpm2.TPMTSigScheme{Scheme: tpm2.TPMAlgNull},
		}.Execute(u.TPM)
		if err != nil {
			return err
		}
		attest, err := stated.TimeInfo.Contents()
		if err != nil {
			return err
		}
		e.Attest, e.Signature = tpm2.Marshal(*attest), tpm2.Marshal(stated.Signature)
		return nil
	})
	return e
}

// software signs a perfect statement with a key that never saw a TPM.
func software(t *testing.T, e tpmEvidence, magic tpm2.TPMGenerated) tpmEvidence {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := akTemplate()
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	key.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{
		X: tpm2.TPM2BECCParameter{Buffer: point[1:33]}, Y: tpm2.TPM2BECCParameter{Buffer: point[33:]},
	})
	name, err := tpm2.ObjectName(&key)
	if err != nil {
		t.Fatal(err)
	}
	attest, err := tpm2.Unmarshal[tpm2.TPMSAttest](e.Attest)
	if err != nil {
		t.Fatal(err)
	}
	attest.Magic = magic
	attest.QualifiedSigner.Buffer = qualifiedName(tpm2.TPMRHEndorsement, name.Buffer)
	e.Attest, e.Key = tpm2.Marshal(*attest), tpm2.Marshal(key)
	digest := sha256.Sum256(e.Attest)
	r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	e.Signature = tpm2.Marshal(tpm2.TPMTSignature{SigAlg: tpm2.TPMAlgECDSA, Signature: tpm2.NewTPMUSignature(tpm2.TPMAlgECDSA, &tpm2.TPMSSignatureECC{
		Hash: tpm2.TPMAlgSHA256, SignatureR: tpm2.TPM2BECCParameter{Buffer: r.FillBytes(make([]byte, 32))}, SignatureS: tpm2.TPM2BECCParameter{Buffer: s.FillBytes(make([]byte, 32))},
	})})
	return e
}

// A challenge is for one key in one TPM: nobody else opens it.
func TestTPMChallenge(t *testing.T) {
	e, other := tpmtest.Start(t), tpmtest.Start(t)
	p, q := startTPM(t, e, "release 1"), startTPM(t, other, "release 1")
	mine, policy := quoted(t, e, p)
	theirs, theirPolicy := quoted(t, other, q)
	for name, c := range map[string]struct {
		evidence tpmEvidence
		by       *TPM
	}{
		"another TPM": {mine, q},
		"its own key, another's certificate, by the key's TPM":         {withChain(mine, theirs), p},
		"its own key, another's certificate, by the certificate's TPM": {withChain(mine, theirs), q},
		"a key outside of any TPM":                                     {software(t, mine, tpm2.TPMGeneratedValue), p},
	} {
		roots := policy.Roots
		if bytes.Equal(c.evidence.Endorsement[0], theirs.Endorsement[0]) {
			roots = theirPolicy.Roots
		}
		_, challenge, want, err := ChallengeTPM(quoteOf(t, c.evidence), roots, report, soon())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.by.Answer(challenge); err == nil || got == want {
			t.Errorf("%s: answered %x, %v", name, got, err)
		}
	}
	if _, _, _, err := ChallengeTPM(quoteOf(t, mine), theirPolicy.Roots, report, soon()); !errors.Is(err, ErrTPMChain) {
		t.Errorf("a TPM of another maker: %v", err)
	}
}

func withChain(e, of tpmEvidence) tpmEvidence {
	e.Endorsement = of.Endorsement
	return e
}

// The draft trusts what the quote showed and nothing else, and only a good quote makes one.
func TestTPMDraft(t *testing.T) {
	e := tpmtest.Start(t)
	p := startTPM(t, e, "release 1", 4, 7)
	extend(t, p, 7, "Secure Boot on")
	q, err := p.Quote(EnrolmentReport())
	if err != nil {
		t.Fatal(err)
	}
	draft, _, _, err := ChallengeTPM(q, string(e.Roots), EnrolmentReport(), soon())
	if err != nil {
		t.Fatal(err)
	}
	if err := draft.Check(); err != nil || draft.TPM.UnmeasuredBoot || len(draft.TPM.Boots) != 1 || len(draft.TPM.Boots[0]) != 1 || draft.TPM.Boots[0]["7"] == "" {
		t.Errorf("%+v, %v: want register 7 and no empty one", draft.TPM, err)
	}
	want := ReportData{Origin: "aval.example/t"}
	q, err = p.Quote(want.Sum())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Appraise(q, draft, want, soon()); err != nil {
		t.Errorf("another quote of the same: %v", err)
	}
	if _, _, _, err := ChallengeTPM(q, string(e.Roots), EnrolmentReport(), soon()); !errors.Is(err, ErrReportData) {
		t.Errorf("a quote about something else: %v", err)
	}
	evidence, err := parseTPMEvidence(q.Evidence)
	if err != nil {
		t.Fatal(err)
	}
	lie(&evidence)
	if _, _, _, err := ChallengeTPM(quoteOf(t, evidence), string(e.Roots), want.Sum(), soon()); !errors.Is(err, ErrTPMRegisters) {
		t.Errorf("a quote that lies about the binary: %v", err)
	}
}
