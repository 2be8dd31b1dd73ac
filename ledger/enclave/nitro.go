package enclave

import (
	"errors"
	"fmt"
	"os"
)

// nitroDevice is the Nitro Security Module's.
const nitroDevice = "/dev/nsm"

// ErrNitro reports that the process runs in no Nitro enclave, or that the module refuses.
var ErrNitro = errors.New("no Nitro enclave")

// nitro is the enclave that the process runs in.
type nitro struct {
	// ask sends one CBOR request to the module.
	ask         func(request []byte) ([]byte, error)
	measurement []byte
}

// OpenNitro uses the Nitro Security Module. ErrNitro.
func OpenNitro() (Platform, error) { return newNitro(askNSM) }

// nitroHere says whether there is a module.
func nitroHere() bool {
	_, err := os.Stat(nitroDevice)
	return err == nil
}

func newNitro(ask func([]byte) ([]byte, error)) (Platform, error) {
	p := &nitro{ask: ask}
	q, err := p.Quote([64]byte{})
	if err != nil {
		return nil, err
	}
	_, doc, err := parseNitro(q.Evidence)
	if err != nil {
		return nil, err
	}
	p.measurement = doc.PCRs[0]
	return p, nil
}

// Name is "nitro".
func (*nitro) Name() string { return NitroName }

// Measurement is PCR0, the digest of the enclave's image.
func (p *nitro) Measurement() []byte { return p.measurement }

// nsmRequest and nsmReply are of the module's interface: aws-nitro-enclaves-nsm-api.
type nsmRequest struct {
	Attestation nsmAttestation
}

type nsmAttestation struct {
	UserData  []byte `cbor:"user_data"`
	Nonce     []byte `cbor:"nonce"`
	PublicKey []byte `cbor:"public_key"`
}

type nsmReply struct {
	Attestation struct {
		Document []byte `cbor:"document"`
	}
	Error string
}

// Quote implements Platform: the report is the document's user data.
func (p *nitro) Quote(report [64]byte) (Quote, error) {
	request, err := nitroEncoding.Marshal(nsmRequest{nsmAttestation{UserData: report[:]}})
	if err != nil {
		return Quote{}, fmt.Errorf("quote: %w", err)
	}
	raw, err := p.ask(request)
	if err != nil {
		return Quote{}, fmt.Errorf("quote: %w: %w", ErrNitro, err)
	}
	var reply nsmReply
	if err := nitroDecoding.Unmarshal(raw, &reply); err != nil || reply.Error != "" || len(reply.Attestation.Document) == 0 {
		return Quote{}, fmt.Errorf("quote: %w: module says %q, %v", ErrNitro, reply.Error, err)
	}
	return Quote{Platform: NitroName, Evidence: reply.Attestation.Document}, nil
}

// Seal implements Platform. ErrNoSealing: an enclave has no key that outlives it.
func (*nitro) Seal(string, []byte) ([]byte, error) { return nil, ErrNoSealing }

// Unseal implements Platform. ErrNoSealing.
func (*nitro) Unseal(string, []byte) ([]byte, error) { return nil, ErrNoSealing }
