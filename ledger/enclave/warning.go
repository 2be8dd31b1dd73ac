package enclave

// tpmWarning is what the user of a TPM without registers of the boot is told.
const tpmWarning = "TPM WITHOUT MEASURED BOOT: keys are sealed to this binary, but whoever may start programs on this machine can pretend to be it. Name the registers of the boot in tpm.json."

// WarningOf is what the user of a platform has to know, or empty.
func WarningOf(p Platform) string {
	switch p := p.(type) {
	case simulated:
		return Warning
	case *TPM:
		if len(p.config.Boot) == 0 {
			return tpmWarning
		}
	}
	return ""
}
