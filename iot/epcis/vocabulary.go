package epcis

import (
	"slices"
	"strings"
)

// vocabulary is a standard vocabulary of CBV 2.0. Documents write its words bare.
type vocabulary struct {
	// name is what a refusal calls it, web and urn are what its words begin with elsewhere.
	name, web, urn string
	words          string
}

var (
	bizSteps = vocabulary{"bizStep", "https://ref.gs1.org/cbv/BizStep-", "urn:epcglobal:cbv:bizstep:", `accepting arriving
		assembling collecting commissioning consigning creating_class_instance cycle_counting decommissioning departing
		destroying disassembling dispensing encoding entering_exiting holding inspecting installing killing loading other
		packing picking receiving removing repackaging repairing replacing reserving retail_selling sampling
		sensor_reporting shipping staging_outbound stock_taking stocking storing transporting unloading unpacking void_shipping`}
	dispositions = vocabulary{"disposition", "https://ref.gs1.org/cbv/Disp-", "urn:epcglobal:cbv:disp:", `active available
		completeness_inferred completeness_verified conformant container_closed container_open damaged destroyed dispensed
		disposed encoded expired in_progress in_transit inactive mismatch_class mismatch_instance mismatch_quantity
		needs_replacement no_pedigree_match non_conformant non_sellable_other partially_dispensed recalled reserved
		retail_sold returned sellable_accessible sellable_not_accessible stolen unavailable unknown`}
	transactionTypes = vocabulary{"business transaction type", "https://ref.gs1.org/cbv/BTT-", "urn:epcglobal:cbv:btt:",
		`bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt`}
	partyTypes = vocabulary{"source or destination type", "https://ref.gs1.org/cbv/SDT-", "urn:epcglobal:cbv:sdt:",
		`location owning_party possessing_party`}
	errorReasons = vocabulary{"error reason", "https://ref.gs1.org/cbv/ER-", "urn:epcglobal:cbv:er:",
		`did_not_occur incorrect_data`}
	components = vocabulary{"component", "https://ref.gs1.org/cbv/Comp-", "urn:epcglobal:cbv:comp:", `x y z axial_distance
		azimuth height spherical_radius polar_angle elevation_angle easting northing latitude longitude altitude geocoordinate`}
	alerts = vocabulary{"exception", "https://gs1.org/voc/", "", `ALARM_CONDITION ERROR_CONDITION`}
	// measures are the measurement types of the GS1 web vocabulary.
	measures = vocabulary{"measurement type", "https://gs1.org/voc/", "", `AbsoluteHumidity AbsorbedDose AbsorbedDoseRate
		Acceleration Activity Altitude AmountOfSubstance AmountOfSubstancePerUnitVolume Angle AngularAcceleration
		AngularMomentum AngularVelocity Area Capacitance Conductance Conductivity Count Density Dimensionless DoseEquivalent
		DoseEquivalentRate DynamicViscosity EffectiveDose EffectiveDoseRate ElectricCharge ElectricCurrent
		ElectricCurrentDensity ElectricFieldStrength Energy Exposure Force Frequency Illuminance Inductance Irradiance
		KinematicViscosity Length LinearMomentum Luminance LuminousFlux LuminousIntensity MagneticFlux MagneticFluxDensity
		MagneticVectorPotential Mass MassConcentration MassFlowRate MassPerAreaTime MemoryCapacity MolalityOfSolute
		MolarEnergy MolarMass MolarVolume Power Pressure RadiantFlux RadiantIntensity RelativeHumidity Resistance
		Resistivity SolidAngle SpecificVolume Speed SurfaceDensity SurfaceTension Temperature Time Torque Voltage Volume
		VolumeFlowRate VolumeFraction VolumetricFlux Wavenumber`}
)

func (v vocabulary) has(word string) bool { return slices.Contains(strings.Fields(v.words), word) }

// read gives a standard word bare, however it was written, and any other URI as it stands. Bare words
// and words in GS1's own namespaces that CBV does not have are refused.
func (v vocabulary) read(n node) (string, error) {
	if n.kind != '"' || n.text == "" {
		return "", refusef("want a %s", v.name)
	}
	word, own := v.bare(n.text)
	switch {
	case own && !v.has(word):
		return "", refusef("%.60q is no %s of CBV 2.0, and no URI of your own", n.text, v.name)
	case !own && !absolute(n.text):
		return "", refusef("want a %s of CBV 2.0 or a URI", v.name)
	}
	return word, nil
}

// bare takes the beginning off that GS1 gives to its words; own says whether the text is meant to be one.
func (v vocabulary) bare(text string) (word string, own bool) {
	if !strings.Contains(text, ":") {
		return text, true
	}
	for _, start := range v.starts() {
		if rest, found := strings.CutPrefix(text, start); found {
			return rest, v.urn != "" || v.has(rest) // gs1.org/voc/ holds other words too
		}
	}
	return text, false
}

func (v vocabulary) starts() []string {
	if v.urn == "" {
		return []string{
			"gs1:MeasurementType-", "https://gs1.org/voc/MeasurementType-", "https://ref.gs1.org/voc/MeasurementType-",
			"gs1:", "https://gs1.org/voc/", "https://ref.gs1.org/voc/", "https://www.gs1.org/voc/",
		}
	}
	return []string{v.web, v.urn, "cbv:" + strings.TrimPrefix(v.web, "https://ref.gs1.org/cbv/"), "https://ns.gs1.org/cbv/" + strings.TrimPrefix(v.web, "https://ref.gs1.org/cbv/")}
}

// terms are the names that EPCIS gives a meaning to.
func terms() []string {
	return strings.Fields(`id type schemaVersion creationDate instanceIdentifier sender receiver epcisHeader epcisBody eventList
		eventID eventTime recordTime eventTimeZoneOffset errorDeclaration declarationTime reason correctiveEventIDs
		certificationInfo epcList parentID childEPCs quantityList childQuantityList inputEPCList inputQuantityList
		outputEPCList outputQuantityList transformationID epcClass quantity uom action bizStep disposition
		persistentDisposition set unset readPoint bizLocation bizTransactionList bizTransaction sourceList source
		destinationList destination sensorElementList sensorMetadata sensorReport ilmd time startTime endTime deviceID
		deviceMetadata rawData dataProcessingMethod bizRules exception microorganism chemicalSubstance value component
		stringValue booleanValue hexBinaryValue uriValue minValue maxValue meanValue sDev percRank percValue
		coordinateReferenceSystem`)
}
