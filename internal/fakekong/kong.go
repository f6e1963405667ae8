package fakekong
