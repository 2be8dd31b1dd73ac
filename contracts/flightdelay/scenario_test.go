package flightdelay

import (
	"testing"

	"aval/contracts/contracttest"
)

func TestScenarios(t *testing.T) { contracttest.Scenarios(t, "testdata", Contract) }
