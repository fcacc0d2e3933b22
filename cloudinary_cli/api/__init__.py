"""The implementation of `cld admin`, `cld uploader`, `cld provisioning` and `cld utils`."""
