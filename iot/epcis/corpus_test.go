package epcis_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"aval/domain"
	"aval/iot/epcis"
)

// corpus gives the documents of a folder beside the repository, or skips.
func corpus(t *testing.T, folder string) map[string][]byte {
	files, err := filepath.Glob("../../../shared/data/trade/epcis/" + folder + "/*.json")
	if err != nil || len(files) == 0 {
		t.Skip("no corpus of EPCIS documents beside the repository")
	}
	all := map[string][]byte{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = raw
	}
	return all
}

func TestCorpusOfSoundDocumentsIsRead(t *testing.T) {
	for name, raw := range corpus(t, "valid") {
		d, err := epcis.Parse(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(d.Events) == 0 {
			t.Errorf("%s: no events", name)
		}
		if _, err := d.Readings(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCorpusOfUnsoundDocumentsIsRefusedByName(t *testing.T) {
	want := map[string]string{
		"Combination_of_events_with_missing_mandatory_fields.json": "epcisBody.eventList[0].action: is missing",
		"Combination_of_non_standard_bizStep_and_disposition.json": `epcisBody.eventList[0].bizStep: "transforming" is no bizStep of CBV 2.0, and no URI of your own`,
		"ObjectEvent_with_ilmd_field_without_namespace.json":       "epcisBody.eventList[0].ilmd.materialType: unknown field, or an extension without a namespace",
		"ObjectEvent_with_invalid_certificationInfo.json":          "epcisBody.eventList[0].certificationInfo[1].gs1:CertificationDetails.gs1:certificationAuditDate: want a date",
		"ObjectEvent_with_non_standard_bizStep.json":               `epcisBody.eventList[0].bizStep: "transforming" is no bizStep of CBV 2.0, and no URI of your own`,
		"ObjectEvent_with_non_standard_disposition.json":           `epcisBody.eventList[0].disposition: "in_transport" is no disposition of CBV 2.0, and no URI of your own`,
		"ObjectEvent_with_unknown_field_in_quantityList.json":      "epcisBody.eventList[0].quantityList[0].weight: unknown field",
		"ObjectEvent_without_identifier_list.json":                 "epcisBody.eventList[0].epcList: an ObjectEvent needs epcList, quantityList, or sensorElementList with readPoint",
	}
	for name, raw := range corpus(t, "invalid") {
		_, err := epcis.Parse(raw)
		var refusal *domain.Rejection
		if !errors.As(err, &refusal) || refusal.Code != domain.Malformed || want[name] != "" && refusal.Detail != want[name] {
			t.Errorf("%s: %v", name, err)
		}
	}
}
