package enclave

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-sev-guest/client"
)

// ErrNoPlatform reports a folder without a stand-in key on a machine without a platform.
var ErrNoPlatform = errors.New("no platform: neither SEV-SNP, TDX, Nitro nor a TPM's tpm.json, and no SIMULATED-ENCLAVE-KEY in the folder")

// Detect finds the platform of a folder. What the folder was made for goes first: a stand-in key makes it
// simulated, tpm.json a TPM's; else it is the confidential machine that the process runs in. ErrNoPlatform.
func Detect(dir string) (Platform, error) {
	for _, marked := range []struct {
		file string
		open func(dir string) (Platform, error)
	}{
		{simulatedKeyFile, OpenSimulated},
		{tpmConfigFile, func(dir string) (Platform, error) { return OpenTPM(dir) }},
	} {
		if _, err := os.Stat(filepath.Join(dir, marked.file)); err == nil {
			return marked.open(dir)
		} else if !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("detect platform: %w", err)
		}
	}
	switch _, err := client.GetLeveledQuoteProvider(); {
	case err == nil:
		return OpenSNP(dir)
	case tdxHere():
		return OpenTDX(dir)
	case nitroHere():
		return OpenNitro()
	}
	return nil, ErrNoPlatform
}
