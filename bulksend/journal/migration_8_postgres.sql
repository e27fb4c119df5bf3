alter index words_pkey rename to suppressions_pkey;
