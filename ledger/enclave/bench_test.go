package enclave

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	labi "github.com/google/go-sev-guest/client/linuxabi"
)

type snpKeyRequest = labi.SnpDerivedKeyReqABI

func slicesSort(items []Collateral) {
	slices.SortFunc(items, func(a, b Collateral) int { return strings.Compare(a.Name, b.Name) })
}

// writeCollateral puts an item where an operator would.
func writeCollateral(dir, name string, data []byte) error {
	if err := os.MkdirAll(filepath.Join(dir, collateralFolder), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, collateralFolder, name+".bin"), data, 0o600)
}
