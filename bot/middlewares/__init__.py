"""What happens around every update: errors are caught, groups are left, people are known, talk is logged."""
