-- Kinds of usage beyond the five that have columns: sound, pictures, characters, pages, searches. Only those that are not zero.
ALTER TABLE spend_event ADD COLUMN usage_details jsonb;
-- The tier that served the call, where its prices are not the usual ones.
ALTER TABLE spend_event ADD COLUMN service_tier text;
