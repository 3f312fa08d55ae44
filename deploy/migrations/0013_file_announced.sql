-- Written by files. `announced`: of a file that is finished, the size that its client announced and has
-- sent. `size` may be smaller: what a picture says of places is taken out.
ALTER TABLE file
    ADD COLUMN announced BIGINT UNSIGNED NULL;
