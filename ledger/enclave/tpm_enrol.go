package enclave

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"time"

	"aval/domain/canon"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

// MaxTPMChallenge bounds a challenge, in bytes.
const MaxTPMChallenge = 4096

// tpmChallenge is what only the TPM with the endorsement key opens, and only if the attestation
// key of that name is in it: TPM2_MakeCredential, TPM 2.0 Library part 1, 24.
type tpmChallenge struct {
	Credential []byte `json:"credential"`
	Secret     []byte `json:"secret"`
}

// EnrolmentReport is what the quote of a TPM that is to be enrolled is about: nobody's keys.
func EnrolmentReport() [64]byte { return sha512.Sum512([]byte("aval tpm enrolment 1\x00")) }

// ChallengeTPM makes a challenge for the TPM that made a quote about report. Whoever answers it with the same
// 32 bytes as are returned has shown that the key which signed the quote lives in the TPM whose certificate is in it.
// Then, and not before, draft may be used: a policy that trusts this TPM, the binary and the boot
// that it quoted. The certificate is verified at the time against roots, PEM. ErrTPMEvidence,
// ErrTPMChain, ErrTPMKey, ErrTPMSignature, ErrTPMStatement, ErrTPMRegisters, ErrReportData.
func ChallengeTPM(q Quote, roots string, report [64]byte, at time.Time) (draft Policy, challenge []byte, answer [32]byte, err error) {
	e, err := parseTPMEvidence(q.Evidence)
	if err != nil {
		return draft, nil, answer, err
	}
	_, _, public, err := e.parse()
	if err != nil {
		return draft, nil, answer, err
	}
	name, err := checkTPMKey(public)
	if err != nil {
		return draft, nil, answer, err
	}
	if draft, err = e.draft(q, roots, name, report, at); err != nil {
		return draft, nil, answer, err
	}
	rand.Read(answer[:])
	challenge, err = challengeFor(e.Endorsement[0], name, answer)
	return draft, challenge, answer, err
}

// draft is the policy that trusts what a quote shows, if the quote is good under it.
func (e tpmEvidence) draft(q Quote, roots string, name []byte, report [64]byte, at time.Time) (Policy, error) {
	policy := TPMPolicy{Roots: roots}
	key, _, err := e.endorsed(policy, name, Times{At: at})
	if err != nil {
		return Policy{}, err
	}
	policy.Keys = []TPMKey{key}
	boot := e.boot()
	for pcr, value := range boot {
		if value == emptyRegister {
			delete(boot, pcr)
		}
	}
	if policy.UnmeasuredBoot = len(boot) == 0; !policy.UnmeasuredBoot {
		policy.Boots = []map[string]string{boot}
	}
	a, err := appraiseTPM(q.Evidence, policy, report, Times{At: at})
	draft := Policy{Platforms: []string{TPMName}, Measurements: map[string][]string{TPMName: {hex.EncodeToString(a.Binary[:])}}, TPM: &policy}
	return draft, err
}

func challengeFor(certificate, name []byte, answer [32]byte) ([]byte, error) {
	leaf, err := x509.ParseCertificate(certificate)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTPMChain, err)
	}
	public, ok := leaf.PublicKey.(*rsa.PublicKey)
	if !ok || public.Size() != 256 {
		return nil, fmt.Errorf("%w: want one of an RSA 2048 key", ErrTPMChain)
	}
	template := tpm2.RSAEKTemplate
	template.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgRSA, &tpm2.TPM2BPublicKeyRSA{Buffer: public.N.Bytes()})
	to, err := tpm2.ImportEncapsulationKey(&template)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTPMChain, err)
	}
	credential, secret, err := tpm2.CreateCredential(rand.Reader, to, name, answer[:])
	if err != nil {
		return nil, fmt.Errorf("challenge tpm: %w", err)
	}
	return canon.Marshal(tpmChallenge{credential, secret})
}

// Answer opens a challenge. It fails for one that was made for another TPM or another key.
func (p *TPM) Answer(challenge []byte) (answer [32]byte, err error) {
	c, err := parseTPMChallenge(challenge)
	if err != nil {
		return answer, err
	}
	err = p.use(func(u *tpmUse) error {
		opened, err := u.activate(c)
		if err == nil && len(opened) != len(answer) {
			err = fmt.Errorf("answer challenge: %d bytes, want %d", len(opened), len(answer))
		}
		copy(answer[:], opened)
		return err
	})
	return answer, err
}

func parseTPMChallenge(challenge []byte) (c tpmChallenge, err error) {
	if len(challenge) > MaxTPMChallenge {
		return c, fmt.Errorf("answer challenge: %d bytes, limit %d", len(challenge), MaxTPMChallenge)
	}
	if err := canon.Unmarshal(challenge, &c); err != nil {
		return c, fmt.Errorf("answer challenge: %w", err)
	}
	return c, nil
}

func (u *tpmUse) activate(c tpmChallenge) ([]byte, error) {
	der, err := u.ekCertificate()
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("tpm: endorsement certificate: %w", err)
	}
	endorsement, err := u.endorsementKey(certificate)
	if err != nil {
		return nil, err
	}
	attestation, err := u.attestationKey()
	if err != nil {
		return nil, err
	}
	// An endorsement key is used under the policy that the password of its hierarchy, here empty, was given.
	policy := tpm2.Policy(tpm2.TPMAlgSHA256, 16, endorsementPolicy)
	opened, err := tpm2.ActivateCredential{
		ActivateHandle: tpm2.AuthHandle{Handle: attestation.Handle, Name: attestation.Name, Auth: tpm2.PasswordAuth(nil)},
		KeyHandle:      tpm2.AuthHandle{Handle: endorsement.Handle, Name: endorsement.Name, Auth: policy},
		CredentialBlob: tpm2.TPM2BIDObject{Buffer: c.Credential},
		Secret:         tpm2.TPM2BEncryptedSecret{Buffer: c.Secret},
	}.Execute(u.TPM)
	if err != nil {
		return nil, fmt.Errorf("answer challenge: %w", err)
	}
	return opened.CertInfo.Buffer, nil
}

func endorsementPolicy(device transport.TPM, session tpm2.TPMISHPolicy, nonce tpm2.TPM2BNonce) error {
	_, err := tpm2.PolicySecret{
		AuthHandle:    tpm2.AuthHandle{Handle: tpm2.TPMRHEndorsement, Auth: tpm2.PasswordAuth(nil)},
		PolicySession: session, NonceTPM: nonce,
	}.Execute(device)
	return err
}
