package enclave

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/google/go-tpm/tpm2"
)

// What an appraiser finds wrong with the quote of a TPM, beside ErrTPMEvidence and ErrTPMChain.
var (
	// ErrTPMKey: the key could sign what the TPM did not state, or could leave the TPM.
	ErrTPMKey = errors.New("tpm attestation key is not restricted to its TPM")
	// ErrTPMUnknown: nobody has found out, by a challenge, that the key lives in the TPM that the certificate is of.
	ErrTPMUnknown = errors.New("tpm attestation key is not enrolled for this TPM")
	// ErrTPMSignature: other bytes were signed, or by another key.
	ErrTPMSignature = errors.New("tpm signature is wrong")
	// ErrTPMStatement: signed, but not a quote that this TPM made for this key.
	ErrTPMStatement = errors.New("tpm signed something other than a quote")
	// ErrTPMRegisters: the registers shown are not those that were quoted.
	ErrTPMRegisters = errors.New("tpm quoted other registers")
	// ErrTPMBoot: nothing that the policy trusts measured the measuring program.
	ErrTPMBoot = errors.New("boot is not measured as the policy says")
)

// tpmAppraisal is what a good quote says.
type tpmAppraisal struct {
	Binary      [sha256.Size]byte
	Key         TPMKey
	Firmware    uint64
	BootTrusted bool
	// Resets and Restarts count what happened to the TPM since it was cleared: a machine that was rebooted shows.
	Resets, Restarts uint32
	// Until is when the first certificate or list ends.
	Until time.Time
}

// verifyTPM is the verifier of quotes of a TPM.
func verifyTPM(q Quote, p Policy, report [64]byte, at Times) (Appraisal, error) {
	if p.TPM == nil || len(q.Collateral) > 0 {
		return Appraisal{}, fmt.Errorf("%w: collateral beside what the evidence holds", ErrTPMEvidence)
	}
	a, err := appraiseTPM(q.Evidence, *p.TPM, report, at)
	if err != nil {
		return Appraisal{}, err
	}
	return Appraisal{Measurement: a.Binary[:], TCB: a.String(), Until: a.Until}, nil
}

// String names the firmware, says whether the boot was one that the policy trusts, and counts resets.
func (a tpmAppraisal) String() string {
	boot := "boot trusted"
	if !a.BootTrusted {
		boot = "BOOT NOT MEASURED"
	}
	return fmt.Sprintf("firmware %#x, %s, %d resets and %d restarts since cleared", a.Firmware, boot, a.Resets, a.Restarts)
}

// appraiseTPM checks everything but whether the binary is trusted. The order is from the form to
// what was signed, by whom, and about what.
func appraiseTPM(evidence []byte, policy TPMPolicy, report [64]byte, at Times) (tpmAppraisal, error) {
	var a tpmAppraisal
	e, err := parseTPMEvidence(evidence)
	if err != nil {
		return a, err
	}
	attest, signature, key, err := e.parse()
	if err != nil {
		return a, err
	}
	name, err := checkTPMKey(key)
	if err != nil {
		return a, err
	}
	if err := checkTPMSignature(key, e.Attest, signature); err != nil {
		return a, err
	}
	if err := e.checkStatement(attest, name, report); err != nil {
		return a, err
	}
	if a.Key, a.Until, err = e.checkEnrolled(policy, name, at); err != nil {
		return a, err
	}
	a.Binary, a.Firmware = [sha256.Size]byte(e.Binary), attest.FirmwareVersion
	a.Resets, a.Restarts = attest.ClockInfo.ResetCount, attest.ClockInfo.RestartCount
	if a.Firmware < policy.Firmware {
		return a, fmt.Errorf("%w: version %#x, want %#x", ErrTCB, a.Firmware, policy.Firmware)
	}
	a.BootTrusted, err = e.checkBoot(policy)
	return a, err
}

// checkTPMKey holds a key against the template, and gives its name.
func checkTPMKey(key *tpm2.TPMTPublic) ([]byte, error) {
	want := akTemplate()
	if key.ObjectAttributes != want.ObjectAttributes {
		return nil, ErrTPMKey
	}
	want.Unique = key.Unique
	if !bytes.Equal(tpm2.Marshal(want), tpm2.Marshal(*key)) {
		return nil, fmt.Errorf("%w: another algorithm or policy than expected", ErrTPMKey)
	}
	name, err := tpm2.ObjectName(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTPMKey, err)
	}
	return name.Buffer, nil
}

func checkTPMSignature(key *tpm2.TPMTPublic, attest []byte, signature *tpm2.TPMTSignature) error {
	public, err := tpm2.Pub(*key)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTPMKey, err)
	}
	signer, ok := public.(*ecdsa.PublicKey)
	if !ok {
		return ErrTPMKey
	}
	if _, err := signer.Bytes(); err != nil { // not a point of the curve
		return fmt.Errorf("%w: %w", ErrTPMKey, err)
	}
	pair, err := signature.Signature.ECDSA()
	if err != nil || pair.Hash != tpm2.TPMAlgSHA256 {
		return fmt.Errorf("%w: want ECDSA over SHA-256", ErrTPMSignature)
	}
	digest := sha256.Sum256(attest)
	r, s := new(big.Int).SetBytes(pair.SignatureR.Buffer), new(big.Int).SetBytes(pair.SignatureS.Buffer)
	if !ecdsa.Verify(signer, digest[:], r, s) {
		return ErrTPMSignature
	}
	return nil
}

// checkStatement: a quote, by this key as a child of the endorsement hierarchy, over this report
// and exactly the registers shown, of which the last follows from the binary.
func (e tpmEvidence) checkStatement(attest *tpm2.TPMSAttest, name []byte, report [64]byte) error {
	if attest.Magic != tpm2.TPMGeneratedValue || attest.Type != tpm2.TPMSTAttestQuote {
		return ErrTPMStatement
	}
	if !bytes.Equal(attest.QualifiedSigner.Buffer, qualifiedName(tpm2.TPMRHEndorsement, name)) {
		return fmt.Errorf("%w: not a key of the endorsement hierarchy", ErrTPMStatement)
	}
	if want := tpmQualifying(report); !bytes.Equal(attest.ExtraData.Buffer, want[:]) {
		return ErrReportData
	}
	quote, err := attest.Attested.Quote()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTPMStatement, err)
	}
	var pcrs []uint
	var values [][sha256.Size]byte
	for _, r := range e.Registers {
		pcrs, values = append(pcrs, r.PCR), append(values, [sha256.Size]byte(r.Value))
	}
	selected := quote.PCRSelect.PCRSelections
	want := selectPCRs(pcrs).PCRSelections[0]
	if len(selected) != 1 || selected[0].Hash != want.Hash || !bytes.Equal(selected[0].PCRSelect, want.PCRSelect) ||
		!bytes.Equal(quote.PCRDigest.Buffer, digestOf(values)) {
		return ErrTPMRegisters
	}
	if values[len(values)-1] != extended([sha256.Size]byte(e.Binary)) {
		return fmt.Errorf("%w: the binary's does not hold the binary alone", ErrTPMRegisters)
	}
	return nil
}

// qualifiedName is that of a primary key: TPM 2.0 Library part 1, 16.
func qualifiedName(hierarchy tpm2.TPMHandle, name []byte) []byte {
	of := binary.BigEndian.AppendUint32(nil, uint32(hierarchy))
	digest := sha256.Sum256(append(of, name...))
	return append(binary.BigEndian.AppendUint16(nil, uint16(tpm2.TPMAlgSHA256)), digest[:]...)
}

// checkEnrolled: the certificate leads to a root, and the policy pairs its key with this one.
func (e tpmEvidence) checkEnrolled(policy TPMPolicy, name []byte, at Times) (TPMKey, time.Time, error) {
	key, until, err := e.endorsed(policy, name, at)
	if err == nil && !slices.Contains(policy.Keys, key) {
		err = fmt.Errorf("%w: %s", ErrTPMUnknown, key.Name)
	}
	return key, until, err
}

// endorsed verifies the certificate and names the pair, and says until when that holds.
func (e tpmEvidence) endorsed(policy TPMPolicy, name []byte, at Times) (TPMKey, time.Time, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(policy.Roots)) {
		return TPMKey{}, time.Time{}, fmt.Errorf("%w: the policy has no roots", ErrTPMChain)
	}
	leaf, until, err := e.checkChain(roots, policy.RequireRevocation, at)
	if err != nil {
		return TPMKey{}, time.Time{}, err
	}
	of := endorsementID(leaf)
	return TPMKey{Name: hex.EncodeToString(name), Endorsement: hex.EncodeToString(of[:])}, until, nil
}

// checkBoot finds a trusted boot that the registers show. A register of zeros measured nothing.
func (e tpmEvidence) checkBoot(policy TPMPolicy) (bool, error) {
	shown := e.boot()
	for _, boot := range policy.Boots {
		if len(boot) > 0 && covers(shown, boot) {
			return true, nil
		}
	}
	if policy.UnmeasuredBoot {
		return false, nil
	}
	return false, ErrTPMBoot
}

// boot gives the registers of the boot as a policy names them.
func (e tpmEvidence) boot() map[string]string {
	shown := map[string]string{}
	for _, r := range e.Registers[:len(e.Registers)-1] {
		shown[strconv.FormatUint(uint64(r.PCR), 10)] = hex.EncodeToString(r.Value)
	}
	return shown
}

// emptyRegister measured nothing.
var emptyRegister = hex.EncodeToString(make([]byte, sha256.Size))

// covers says whether each register of boot is shown with its value, and holds a measurement.
func covers(shown, boot map[string]string) bool {
	for pcr, value := range boot {
		if shown[pcr] != value || value == emptyRegister {
			return false
		}
	}
	return true
}
