package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"aval/ledger/enclave"
)

// platformFlags choose the platform that seals a new folder's secrets.
type platformFlags struct {
	name, device, boot string
	// warning is what the user of the platform that was made has to know.
	warning string
}

func (f *platformFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.name, "platform", enclave.SimulatedName, "what seals the node's secrets: simulated, tpm, or the confidential machine: sev-snp, tdx, nitro")
	c.Flags().StringVar(&f.device, "tpm-device", enclave.TPMDevice, "device of the TPM 2.0, or the Unix socket of an emulator")
	c.Flags().StringVar(&f.boot, "tpm-boot", "0,2,4,7,11", "registers of the boot that the TPM seals to and quotes, 0 to 15, or none")
}

// create is the node.CreatePlatform of the flags.
func (f *platformFlags) create(dir string) (enclave.Platform, error) {
	made, err := f.make(dir)
	if err == nil {
		f.warning = enclave.WarningOf(made)
	}
	return made, err
}

func (f *platformFlags) make(dir string) (enclave.Platform, error) {
	switch f.name {
	case enclave.SimulatedName:
		return enclave.CreateSimulated(dir)
	case enclave.TPMName:
		device, err := filepath.Abs(f.device)
		if err != nil {
			return nil, err
		}
		boot, err := parseRegisters(f.boot)
		if err != nil {
			return nil, err
		}
		return enclave.CreateTPM(dir, enclave.TPMConfig{Device: device, Boot: boot})
	case enclave.SNPName, enclave.TDXName, enclave.NitroName:
		return f.machine(dir)
	default:
		return nil, fmt.Errorf("platform %.32q: want %s, %s, %s, %s or %s", f.name,
			enclave.SimulatedName, enclave.TPMName, enclave.SNPName, enclave.TDXName, enclave.NitroName)
	}
}

// machine is the confidential machine that this runs in, which has to be of the kind that was asked for.
func (f *platformFlags) machine(dir string) (enclave.Platform, error) {
	found, err := enclave.Detect(dir)
	if err == nil && found.Name() != f.name {
		err = fmt.Errorf("platform %s: this machine is %s", f.name, found.Name())
	}
	return found, err
}

func parseRegisters(list string) ([]uint, error) {
	if list == "none" {
		return nil, nil
	}
	var all []uint
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseUint(word, 10, 8)
		if err != nil {
			return nil, fmt.Errorf("register %.20q: want numbers from 0 to 15 with commas between, or none", word)
		}
		all = append(all, uint(n))
	}
	return all, nil
}

// warn prints what the user of a platform has to know, if there is anything.
func warn(c *cobra.Command, warning string) {
	if warning != "" {
		fmt.Fprintln(c.ErrOrStderr(), warning)
	}
}
