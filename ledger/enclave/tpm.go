package enclave

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"aval/domain/canon"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

const (
	// TPMName is the word for the platform in policies, quotes and logs.
	TPMName = "tpm"
	// TPMDevice is the kernel's resource manager: each user of it has sessions and keys of its own.
	TPMDevice = "/dev/tpmrm0"
	// TPMBinaryPCR holds the binary and nothing else. It is the register that the PC Client
	// profile leaves to applications, and may be reset: a node restarts without a reboot (ADR 0021).
	TPMBinaryPCR = 23
	// MaxTPMBootPCRs bounds the registers of the boot in one configuration, policy or quote.
	MaxTPMBootPCRs = 16

	tpmConfigFile    = "tpm.json"
	maxTPMConfigFile = 1 << 16
	ownBinary        = "/proc/self/exe"
	// measureTries bounds how often two processes of one binary may disturb each other's measuring.
	measureTries = 5
)

// TPMConfig is the file tpm.json of a folder whose secrets a TPM seals. Unknown keys are refused.
type TPMConfig struct {
	// Device is a TPM's character device, or the Unix socket of an emulator. Empty: TPMDevice.
	Device string `json:"device,omitempty"`
	// Boot are the registers that firmware and boot loader fill, 0 to 15, rising. They are
	// quoted and sealed to together with the binary. None: whoever may start another
	// program on the machine may unseal, and an appraiser refuses unless its policy accepts that.
	Boot []uint `json:"boot,omitempty"`
}

// Check refuses a configuration that no TPM can serve.
func (c TPMConfig) Check() error {
	if len(c.Boot) > MaxTPMBootPCRs {
		return fmt.Errorf("tpm: %d boot registers, limit %d", len(c.Boot), MaxTPMBootPCRs)
	}
	for i, pcr := range c.Boot {
		if pcr > 15 || i > 0 && c.Boot[i-1] >= pcr {
			return fmt.Errorf("tpm: boot register %d: want numbers from 0 to 15, rising", pcr)
		}
	}
	return nil
}

// pcrs are all registers that count, rising.
func (c TPMConfig) pcrs() []uint { return append(slices.Clone(c.Boot), TPMBinaryPCR) }

// TPM seals to the running binary with a TPM 2.0 and quotes it. Each call opens the device and
// leaves nothing in it but the measurement. It is safe for concurrent use.
type TPM struct {
	config TPMConfig
	// binary is the SHA-256 of the program that runs.
	binary [sha256.Size]byte
	// chain and revoked are the certificates and revocation lists that quotes carry beside the TPM's own.
	chain, revoked [][]byte
	mu             sync.Mutex
}

// CreateTPM writes the configuration into dir and measures the running binary. It fails if there is one.
func CreateTPM(dir string, c TPMConfig) (*TPM, error) {
	p, err := newTPM(c, ownBinary)
	if err != nil {
		return nil, err
	}
	content, err := json.MarshalIndent(p.config, "", "  ")
	if err != nil {
		return nil, err
	}
	return p, createFile(filepath.Join(dir, tpmConfigFile), append(content, '\n'))
}

// OpenTPM uses the configuration in dir and measures the running binary.
func OpenTPM(dir string) (*TPM, error) {
	content, err := readAtMost(filepath.Join(dir, tpmConfigFile), maxTPMConfigFile)
	if err != nil {
		return nil, fmt.Errorf("open tpm: %w", err)
	}
	var c TPMConfig
	if err := canon.DecodeJSON(content, &c); err != nil {
		return nil, fmt.Errorf("read %s: %w", tpmConfigFile, err)
	}
	p, err := newTPM(c, ownBinary)
	if err != nil {
		return nil, err
	}
	return p, p.readChain(dir)
}

// newTPM measures the given program.
func newTPM(c TPMConfig, program string) (*TPM, error) {
	if c.Device == "" {
		c.Device = TPMDevice
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	binary, err := MeasureBinary(program)
	if err != nil {
		return nil, err
	}
	p := &TPM{config: c, binary: binary}
	return p, p.use(func(*tpmUse) error { return nil })
}

// MeasureBinary is the SHA-256 of a program: what policies and governance call a measurement.
func MeasureBinary(path string) (digest [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return digest, fmt.Errorf("measure binary: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return digest, fmt.Errorf("measure binary: %w", err)
	}
	h.Sum(digest[:0])
	return digest, nil
}

// Name is "tpm".
func (*TPM) Name() string { return TPMName }

// Measurement is the SHA-256 of the running binary.
func (p *TPM) Measurement() []byte { return p.binary[:] }

// use opens the device, sees to it that the register holds the binary, and flushes
// whatever do made.
func (p *TPM) use(do func(*tpmUse) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	device, err := dialTPM(p.config.Device)
	if err != nil {
		return err
	}
	u := &tpmUse{TPM: device}
	defer func() { u.flush(); device.Close() }()
	if err := u.measure(p.binary); err != nil {
		return err
	}
	return do(u)
}

// tpmUse is one use of the device, with what has to be flushed after it.
type tpmUse struct {
	transport.TPM
	handles []tpm2.TPMHandle
}

func (u *tpmUse) flush() {
	for _, h := range slices.Backward(u.handles) {
		u.flushOne(h)
	}
}

// flushOne makes room. A failure shows at the next command, or with the device closed never.
func (u *tpmUse) flushOne(h tpm2.TPMHandle) {
	_, _ = tpm2.FlushContext{FlushHandle: h}.Execute(u.TPM)
}

// measure puts the binary into its register, unless it is there. A register that holds another
// value was filled by another program; what that one sealed does not open for this one.
func (u *tpmUse) measure(binary [sha256.Size]byte) error {
	want := extended(binary)
	for range measureTries {
		values, err := u.readPCRs([]uint{TPMBinaryPCR})
		if err != nil {
			return err
		}
		if values[0] == want {
			return nil
		}
		register := tpm2.AuthHandle{Handle: tpm2.TPMHandle(TPMBinaryPCR), Auth: tpm2.PasswordAuth(nil)}
		if _, err := (tpm2.PCRReset{PCRHandle: register}).Execute(u.TPM); err != nil {
			return fmt.Errorf("tpm: reset register %d: %w", TPMBinaryPCR, err)
		}
		digests := tpm2.TPMLDigestValues{Digests: []tpm2.TPMTHA{{HashAlg: tpm2.TPMAlgSHA256, Digest: binary[:]}}}
		if _, err := (tpm2.PCRExtend{PCRHandle: register, Digests: digests}).Execute(u.TPM); err != nil {
			return fmt.Errorf("tpm: extend register %d: %w", TPMBinaryPCR, err)
		}
	}
	return errors.New("tpm: another program keeps changing the register of the binary")
}

// extended is the register's value after a reset and the extension with one digest.
func extended(digest [sha256.Size]byte) [sha256.Size]byte {
	return sha256.Sum256(append(make([]byte, sha256.Size), digest[:]...))
}

// readPCRs gives the values in the SHA-256 bank, in the order asked for. A TPM gives at most
// eight at a time.
func (u *tpmUse) readPCRs(pcrs []uint) ([][sha256.Size]byte, error) {
	values := make([][sha256.Size]byte, 0, len(pcrs))
	for chunk := range slices.Chunk(pcrs, 8) {
		r, err := tpm2.PCRRead{PCRSelectionIn: selectPCRs(chunk)}.Execute(u.TPM)
		if err != nil {
			return nil, fmt.Errorf("tpm: read registers: %w", err)
		}
		if len(r.PCRValues.Digests) != len(chunk) {
			return nil, fmt.Errorf("tpm: gave %d registers of %d: is its SHA-256 bank on?", len(r.PCRValues.Digests), len(chunk))
		}
		for _, d := range r.PCRValues.Digests {
			values = append(values, [sha256.Size]byte(d.Buffer))
		}
	}
	return values, nil
}

func selectPCRs(pcrs []uint) tpm2.TPMLPCRSelection {
	return tpm2.TPMLPCRSelection{PCRSelections: []tpm2.TPMSPCRSelection{{
		Hash: tpm2.TPMAlgSHA256, PCRSelect: tpm2.PCClientCompatible.PCRs(pcrs...),
	}}}
}
