package envelope_test

import (
	"testing"

	"aval/domain/envelope"
)

// BenchmarkVerify is the cost of admitting one command: open, decode, check the signature.
func BenchmarkVerify(b *testing.B) {
	for _, algorithm := range []string{envelope.EdDSA, envelope.ES256} {
		b.Run(algorithm, func(b *testing.B) {
			s := signer(b, algorithm)
			raw, err := envelope.SealCommand(s, command())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				_, shell, err := envelope.OpenCommand(raw)
				if err != nil {
					b.Fatal(err)
				}
				if err := envelope.Verify(s.Key, shell); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
