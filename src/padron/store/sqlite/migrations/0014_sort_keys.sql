-- Texts sort by accents last and by the value of their numbers. The columns held folded texts, and a sort key is made
-- from one. The program lends sort_key for this migration. Most texts are their own keys and stay untouched.

UPDATE versions SET custom_id = sort_key(custom_id) WHERE custom_id GLOB '*[^ -/a-z]*';
UPDATE versions SET rfc_name = sort_key(rfc_name) WHERE rfc_name GLOB '*[^ -/a-z]*';
UPDATE versions SET tax_identifier = sort_key(tax_identifier) WHERE tax_identifier GLOB '*[^ -/a-z]*';
UPDATE versions SET lessor_name = sort_key(lessor_name) WHERE lessor_name GLOB '*[^ -/a-z]*';
UPDATE versions SET brand_name = sort_key(brand_name) WHERE brand_name GLOB '*[^ -/a-z]*';
UPDATE versions SET model_name = sort_key(model_name) WHERE model_name GLOB '*[^ -/a-z]*';
UPDATE versions SET country = sort_key(country) WHERE country GLOB '*[^ -/a-z]*';
UPDATE versions SET class = sort_key(class) WHERE class GLOB '*[^ -/a-z]*';
UPDATE versions SET type = sort_key(type) WHERE type GLOB '*[^ -/a-z]*';
UPDATE versions SET variation = sort_key(variation) WHERE variation GLOB '*[^ -/a-z]*';
UPDATE versions SET cilinders = sort_key(cilinders) WHERE cilinders GLOB '*[^ -/a-z]*';
UPDATE versions SET axes = sort_key(axes) WHERE axes GLOB '*[^ -/a-z]*';
UPDATE versions SET vehicle_color = sort_key(vehicle_color) WHERE vehicle_color GLOB '*[^ -/a-z]*';
UPDATE versions SET version = sort_key(version) WHERE version GLOB '*[^ -/a-z]*';
UPDATE versions SET assembly_place = sort_key(assembly_place) WHERE assembly_place GLOB '*[^ -/a-z]*';
UPDATE versions SET supplementary_data = sort_key(supplementary_data) WHERE supplementary_data GLOB '*[^ -/a-z]*';
UPDATE versions SET registration_institution = sort_key(registration_institution) WHERE registration_institution GLOB '*[^ -/a-z]*';
UPDATE versions SET plate_entity = sort_key(plate_entity) WHERE plate_entity GLOB '*[^ -/a-z]*';
UPDATE versions SET registration_sheet = sort_key(registration_sheet) WHERE registration_sheet GLOB '*[^ -/a-z]*';
UPDATE versions SET observations = sort_key(observations) WHERE observations GLOB '*[^ -/a-z]*';
UPDATE versions SET owner_name = sort_key(owner_name) WHERE owner_name GLOB '*[^ -/a-z]*';
UPDATE versions SET engine_number = sort_key(engine_number) WHERE engine_number GLOB '*[^ -/a-z]*';
UPDATE versions SET legal_name = sort_key(legal_name) WHERE legal_name GLOB '*[^ -/a-z]*';
